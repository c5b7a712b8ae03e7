"""What is said: GraphQL, the command line and the pages for people."""
