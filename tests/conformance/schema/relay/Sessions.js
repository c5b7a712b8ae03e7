// What a partner's page asks for in Relay's way: a page of sessions, more of them, one again by its id, and a booking.
import { graphql } from "relay-runtime";

export const query = graphql`
  query SessionsQuery($count: Int!, $cursor: String) {
    viewer {
      name
    }
    ...Sessions_page @arguments(count: $count, cursor: $cursor)
  }
`;

export const page = graphql`
  fragment Sessions_page on Query
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "SessionsPageQuery") {
    sessions(first: $count, after: $cursor, openPlacesOnly: true) @connection(key: "Sessions_sessions") {
      edges {
        node {
          id
          ...Sessions_row
        }
      }
    }
  }
`;

export const row = graphql`
  fragment Sessions_row on Session @refetchable(queryName: "SessionsRowQuery") {
    day
    part
    openPlaces
    site {
      name
    }
    exam {
      subject
      item {
        name
      }
    }
  }
`;

export const book = graphql`
  mutation SessionsBookMutation($input: BookingCreateInput!) {
    bookingCreate(input: $input) {
      bookings {
        id
        state
      }
      userErrors {
        __typename
        code
        path
        message
      }
    }
  }
`;
