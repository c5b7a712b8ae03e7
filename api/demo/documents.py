"""The GraphQL documents of the play; every act of it is one of these."""

ITEMS = "query Items { items { id code scopeLimit } }"

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

REQUEST_DECLINE = """
mutation RequestDecline($input: RequestInput!) {
  requestDecline(input: $input) { request { id state } userErrors { code message } }
}
"""

PROPOSED_REQUESTS = """
query Proposed($first: Int, $after: String) {
  requests(states: [PROPOSED], first: $first, after: $after) {
    nodes { id people earliestDay latestDay enterprise { creditCode } exam { id } persons { id } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

OPEN_REQUESTS = """
query OpenRequests($first: Int, $after: String) {
  requests(states: [OPEN], first: $first, after: $after) {
    nodes {
      id people origin earliestDay latestDay unplacedReason unplacedDetail
      enterprise { name creditCode office { name } } exam { subject item { code scopeLimit } }
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

ROUND_PLAN = """
mutation RoundPlan($input: RoundInput!) {
  roundPlan(input: $input) { round { id state } userErrors { code message path } }
}
"""

ROUNDS = "query Rounds { rounds(last: 1) { nodes { id number state } } }"

ROUND_PLANS = """
query RoundPlans($id: ID!) {
  node(id: $id) {
    ... on Round {
      number state failure
      plans {
        version state costFen boundFen gap movedPeople openedSessions closedSessions terms { name fen }
        baselines { name costFen unplacedPeople }
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

ASKED_PARTIES = """
query AskedParties($first: Int, $after: String) {
  consents(states: [ASKED], first: $first, after: $after) {
    nodes { party asked } pageInfo { hasNextPage endCursor }
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
    requestsByTier { heading requests people }
    byTier { heading sessions places people fill }
    byTown { heading sessions places people fill }
    byExam { heading sessions places people fill }
    way { people meanDays worstTenthDays meanKm worstTenthKm meanKmToCentre }
  }
}
"""

HELD_PROMISES = """
query HeldPromises($first: Int, $after: String) {
  promises(states: [HELD], first: $first, after: $after) {
    nodes { id people named request { id exam { item { code scopeLimit } } persons { id } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

BOOKING_CONFIRM = """
mutation BookingConfirm($input: BookingConfirmInput!) {
  bookingConfirm(input: $input) {
    bookings { id }
    userErrors { code message path ... on WorkerRefusal { workerId } }
  }
}
"""

BOOKING_CREATE = """
mutation BookingCreate($input: BookingCreateInput!) {
  bookingCreate(input: $input) { bookings { id } userErrors { code message path } }
}
"""

BOOKING_SUBSTITUTE = """
mutation BookingSubstitute($input: BookingSubstituteInput!) {
  bookingSubstitute(input: $input) { booking { id } userErrors { code message path } }
}
"""

BOOKING_CANCEL = """
mutation BookingCancel($input: BookingCancelInput!) {
  bookingCancel(input: $input) { booking { id state } userErrors { code message path } }
}
"""

WORKER_REGISTER = """
mutation WorkerRegister($input: WorkerRegisterInput!) {
  workerRegister(input: $input) { worker { id } userErrors { code message path } }
}
"""

OPEN_SESSIONS = """
query OpenSessions($examId: ID, $from: Date, $before: Date, $first: Int) {
  sessions(states: [PUBLISHED], openPlacesOnly: true, examId: $examId, fromDay: $from, beforeDay: $before,
    first: $first) {
    nodes { id openPlaces rosterFreezesAt exam { subject } }
  }
}
"""

ENDED_SESSIONS = """
query EndedSessions($states: [SessionState!], $before: Date, $first: Int, $after: String) {
  sessions(states: $states, beforeDay: $before, first: $first, after: $after) {
    nodes { id endsAt exam { subject } staff { name } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

ROSTER = """
query Roster($id: ID!, $first: Int, $after: String) {
  bookings(sessionId: $id, states: [CONFIRMED], first: $first, after: $after) {
    nodes { id attendance } pageInfo { hasNextPage endCursor }
  }
}
"""

ATTENDANCE_RECORD = """
mutation AttendanceRecord($input: AttendanceRecordInput!) {
  attendanceRecord(input: $input) { session { id state } userErrors { code message path } }
}
"""

RESULTS_RECORD = """
mutation ResultsRecord($input: ResultsRecordInput!) {
  resultsRecord(input: $input) { results { outcome } userErrors { code message path } }
}
"""

PENDING_CERTIFICATES = """
query PendingCertificates($first: Int, $after: String) {
  certificates(states: [PENDING], first: $first, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor }
  }
}
"""

CERTIFICATE_DECIDE = """
mutation CertificateDecide($input: CertificateDecideInput!) {
  certificateDecide(input: $input) { certificates { id state } userErrors { code message path } }
}
"""

RENEWALS = """
query Renewals($states: [RenewalState!], $first: Int, $after: String) {
  renewals(states: $states, first: $first, after: $after) {
    nodes { id dueOn certificate { worker { enterprise { creditCode } } } } pageInfo { hasNextPage endCursor }
  }
}
"""

RENEWAL_APPLY = """
mutation RenewalApply($input: RenewalApplyInput!) {
  renewalApply(input: $input) { renewal { id state } userErrors { code message path } }
}
"""

RENEWAL_DECIDE = """
mutation RenewalDecide($input: RenewalDecideInput!) {
  renewalDecide(input: $input) { renewals { id state } userErrors { code message path } }
}
"""
