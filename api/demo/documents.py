"""The GraphQL documents of the play; every act of it is one of these."""

ITEMS = "query Items { items { id code scopeLimit } }"

JURISDICTIONS = "query Jurisdictions { jurisdictions { id code name tier } }"

MY_WORKERS = """
query MyWorkers($first: Int, $after: String) {
  workers(first: $first, after: $after) { nodes { id name documentMasked } pageInfo { hasNextPage endCursor } }
}
"""

REQUEST_SUBMIT = """
mutation RequestSubmit($input: RequestSubmitInput!) {
  requestSubmit(input: $input) { request { id } userErrors { code message path } }
}
"""

REQUEST_ACCEPT = """
mutation RequestAccept($input: RequestAcceptInput!) {
  requestAccept(input: $input) { request { id state } userErrors { code message } }
}
"""

PROPOSED_REQUESTS = """
query Proposed($first: Int, $after: String) {
  requests(states: [PROPOSED], first: $first, after: $after) {
    nodes { id origin earliestDay latestDay enterprise { creditCode } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

OPEN_REQUESTS = """
query OpenRequests($first: Int, $after: String) {
  requests(states: [OPEN], first: $first, after: $after) {
    nodes {
      id people origin earliestDay latestDay unplacedReason
      enterprise { creditCode office { name } } exam { subject item { code scopeLimit } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

ROUND_OPEN = """
mutation RoundOpen($input: RoundOpenInput!) {
  roundOpen(input: $input) { round { id number } userErrors { code message path } }
}
"""

ROUND_STATE = """
query RoundState($id: ID!) {
  node(id: $id) { ... on Round { number state failure firstDay lastDay publishAt } }
}
"""

ROUND_PLANS = """
query RoundPlans($id: ID!) {
  node(id: $id) {
    ... on Round {
      number state failure
      plans {
        version state costFen boundFen gap movedPeople openedSessions closedSessions terms { name fen }
        unplaced { people reason detail }
      }
    }
  }
}
"""

MY_CONSENTS = """
query MyConsents($first: Int, $after: String) {
  consents(mineOnly: true, states: [ASKED], first: $first, after: $after) {
    nodes { id party session { id tier promised places day part } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

CONSENT_AGREE = """
mutation ConsentAgree($input: ConsentAgreeInput!) {
  consentAgree(input: $input) { consents { id state } userErrors { code message path } }
}
"""

CONSENT_OBJECT = """
mutation ConsentObject($input: ConsentObjectInput!) {
  consentObject(input: $input) { consents { id state } userErrors { code message path } }
}
"""

REPORT = """
query Report($roundId: ID) {
  report(roundId: $roundId) {
    byTier { heading sessions places people fill }
    byTown { heading sessions places people fill }
    byExam { heading sessions places people fill }
    way { people meanDays worstTenthDays meanKm worstTenthKm meanKmToCentre }
  }
}
"""
