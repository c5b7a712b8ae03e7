"""What each value of a closed list means, in one place; put into the schema once it is made."""

from collections.abc import Mapping

import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, get_named_type

WORDS: Mapping[str, Mapping[str, str]] = {
    "Attendance": {
        "EXPECTED": "The day has not come, or nobody has said yet.",
        "PRESENT": "Came (到考).",
        "ABSENT": "Did not come (缺考).",
    },
    "BookingState": {
        "CONFIRMED": "The place is taken by this person.",
        "CANCELLED": "The place was given back.",
    },
    "CertificateState": {
        "PENDING": "All subjects are passed; the issuing authority (发证机关) decides.",
        "VALID": "Issued, and not expired.",
        "REFUSED": "The issuing authority did not issue it.",
        "RENEWED": "A later certificate took its place (复审).",
        "EXPIRED": "Its time ran out.",
    },
    "Confidence": {
        "FOUND": "Seen in a published source.",
        "BELIEVED": "What professionals believe.",
        "ASSUMED": "Our own planning assumption.",
    },
    "ConsentParty": {
        "OFFICE": "An office whose firms come or whose site it is (所).",
        "TOWN": "A town or subdistrict (镇、街道).",
        "BUREAU": "The bureau (局).",
        "HOST": "The firm whose ground the site is.",
        "STAFF": "An examiner on duty (考评人员).",
        "EXAM_BODY": "The exam body (考试机构); asked last.",
    },
    "ConsentState": {
        "QUEUED": "Waits for its turn.",
        "ASKED": "An answer is awaited by the deadline.",
        "AGREED": "The party agreed.",
        "OBJECTED": "The party objected, with a typed reason.",
        "ESCALATED": "Silence until the deadline: the next tier up was asked in its place.",
        "VOID": "No longer asked for: the session changed or was dropped.",
    },
    "DocumentKind": {
        "RESIDENT_ID": "Resident's identity card (公民身份号码).",
        "PASSPORT": "Passport of any country (护照).",
        "HMT_RESIDENCE_PERMIT": "Residence permit of Hong Kong, Macao and Taiwan residents (港澳台居民居住证).",
        "PERMANENT_RESIDENT_CARD": "Foreign permanent resident's card (外国人永久居留身份证).",
    },
    "Education": {
        "PRIMARY": "Primary school (小学).",
        "JUNIOR_SECONDARY": "Junior secondary school (初中).",
        "SENIOR_SECONDARY": "Senior secondary or vocational school (高中、中专).",
        "COLLEGE": "College or more (大专及以上).",
    },
    "ObjectionKind": {
        "NOT_THIS_SITE": "The exam cannot be held at this site.",
        "NOT_THIS_BLOCK": "Not on this half-day at this site.",
        "NOT_THESE_STAFF": "Not with this examiner.",
        "AT_LEAST_PEOPLE": "Only with at least so many people.",
        "KEEP_TOGETHER": "Only with all people of a request in one session.",
    },
    "Outcome": {
        "PASSED": "The mark reaches the pass mark (合格).",
        "FAILED": "The mark does not reach it (不合格).",
        "ABSENT": "Did not come: failed, without a retake (缺考).",
    },
    "Part": {
        "AM": "Morning.",
        "PM": "Afternoon.",
        "EVE": "Evening; only where host and exam body opted in.",
    },
    "PlanState": {
        "CURRENT": "The plan that is consulted on.",
        "SUPERSEDED": "A later plan took its place.",
    },
    "PromiseState": {
        "PLANNED": "Set aside in a plan that is still consulted on.",
        "HELD": "Published; the firm names its people until the deadline.",
        "USED": "Every place of it has a name.",
        "RELEASED": "Given back, or not named in time.",
        "DROPPED": "The plan or session it belonged to is no more.",
    },
    "WaitingState": {
        "WAITING": "In the queue.",
        "OFFERED": "Places are held for it, to be named in time.",
        "SERVED": "Its people are named.",
        "LEFT": "Given up by the firm.",
        "LAPSED": "Its last day is over, or what was offered was not named in time.",
    },
    "AlternativeKind": {
        "OTHER_DATE": "The same site on another day or half-day; it takes your whole group.",
        "OTHER_SITE": "Another site that takes your whole group.",
        "SPLIT": "It takes a part of your group.",
    },
    "HoldState": {
        "KEPT": "Gathered for a waiting group until it fits.",
        "HELD": "The firm names its people until the deadline.",
        "USED": "Every place of it has a name.",
        "RELEASED": "Given back by the firm, or the session was called off.",
        "LAPSED": "Not named in time; the places are open.",
    },
    "RenewalState": {
        "PROPOSED": "The certificate falls due; the firm is told.",
        "APPLIED": "The firm applied (复审申请).",
        "GRANTED": "Renewed.",
        "REFUSED": "Not renewed.",
        "DECLINED": "The firm does not want it renewed.",
        "LAPSED": "Nobody applied in time.",
    },
    "RequestOrigin": {
        "ENTERPRISE": "The firm asked.",
        "NEXT_SUBJECT": "Theory was passed: the practical is next.",
        "RETAKE": "A failed subject may be sat again (补考).",
    },
    "RequestState": {
        "PROPOSED": "Proposed by the rules; the firm accepts or declines.",
        "OPEN": "Waits for a round.",
        "PLANNED": "In a plan that is consulted on.",
        "PROMISED": "Published: places are held for it.",
        "SETTLED": "Every place is named or given back.",
        "WITHDRAWN": "The firm took it back.",
        "DECLINED": "The firm declined the proposal.",
        "LAPSED": "Its window passed.",
    },
    "Role": {
        "ENTERPRISE": "A firm: asks, names its people, books.",
        "OFFICE": "An office (所): consults for its firms.",
        "TOWN": "A town or subdistrict (镇、街道): consults above its offices.",
        "BUREAU": "The bureau (局): runs rounds, keeps master data and rules.",
        "EXAM_BODY": "The exam body (考试机构): confirms sessions, reports results.",
        "EXAMINER": "An examiner (考评人员): consents to duty.",
        "AUDITOR": "Reads everything, changes nothing.",
        "OPERATOR": "Runs the system; changes no business row.",
    },
    "RoundState": {
        "COLLECTING": "Requests are collected.",
        "PLANNING": "The allocator is at work.",
        "CONSULTING": "The plan's sessions ask for consents (会商).",
        "PUBLISHED": "The sessions are public and places are held.",
        "CANCELLED": "Given up.",
    },
    "RuleField": {
        "VALID_YEARS": "Years that a certificate is valid.",
        "LEAST_AGE": "Least age on application.",
        "MOST_AGE": "Highest age on application.",
        "RENEWAL_MOST_AGE": "Highest age on renewal.",
        "RENEWAL_LEAD_MONTHS": "Months before expiry by which renewal is applied for.",
        "LEAST_EDUCATION": "Least schooling.",
        "LEAST_YEARS_OF_WORK": "Least years of work.",
        "RETAKES": "Retakes after a failure.",
        "RETAKE_WINDOW_MONTHS": "Months in which a retake is open.",
        "FULL_MARK": "The best mark of a subject.",
        "PASS_MARK": "The least mark of a subject that passes.",
        "MINUTES_A_CANDIDATE": "Minutes that one candidate takes in a subject.",
        "STAFF": "Examiners on duty in a session of a subject.",
        "LEAST_PEOPLE": "The least people for a session of a subject.",
    },
    "SessionState": {
        "PROPOSED": "In a plan; consents are awaited.",
        "AGREED": "Everyone asked has agreed.",
        "PUBLISHED": "Public; places can be taken.",
        "FROZEN": "The roster stands: names no longer change.",
        "HELD": "The day is over; results are awaited.",
        "CLOSED": "Every result is in.",
        "DROPPED": "Left out of the plan before publication.",
        "CANCELLED": "Called off after publication.",
    },
    "Subject": {
        "THEORY": "The computer-based theory (理论).",
        "PRACTICAL": "The practical at the machine (实际操作).",
    },
    "Tier": {
        "OFFICE": "Office (所): at the door of its own firms.",
        "TOWN": "Town or subdistrict (镇、街道): firms of several offices.",
        "BUREAU": "Bureau (局): firms of several towns, or the municipal centre.",
    },
    "RefusalCode": {
        "NOT_SIGNED_IN": "Nobody is signed in.",
        "NOT_ALLOWED": "The role may not do this.",
        "NOT_FOUND": "There is no such row, or the caller may not see it.",
        "BAD_INPUT": "A value cannot be read, or makes no sense.",
        "WRONG_PASSWORD": "Login or password is wrong.",
        "LOCKED_OUT": "Too many wrong passwords: the account waits.",
        "WRONG_IDENTIFIER": "A code, document number or phone is not one.",
        "ALREADY_KNOWN": "It is registered already.",
        "WRONG_STATE": "The row is in a state that does not allow this.",
        "OUT_OF_RANGE": "A number lies outside its bounds.",
        "WINDOW_PAST": "The days asked for are past.",
        "WINDOW_TOO_SHORT": "The days asked for leave no time to prepare.",
        "NO_OFFER": "No site offers it.",
        "SITE_IN_USE": "Sessions stand in the way.",
        "SITE_CLOSED": "The site is closed on that day.",
        "TOO_YOUNG": "Younger than the rule admits.",
        "TOO_OLD": "Older than the rule admits.",
        "TOO_LITTLE_SCHOOLING": "Less schooling than the rule asks for.",
        "TOO_LITTLE_WORK": "Fewer years of work than the rule asks for.",
        "NOT_YOUR_WORKER": "The worker belongs to another firm.",
        "ALREADY_CERTIFIED": "A certificate for the item stands or is awaited.",
        "ALREADY_ASKED": "It was asked for already.",
        "ALREADY_BOOKED": "The person has a place already.",
        "ALREADY_PASSED": "The subject is passed already.",
        "THEORY_NOT_PASSED": "The exam body admits to the practical after theory only.",
        "RETAKE_NOT_OPEN": "The retake's window is not open on that day.",
        "RETAKES_USED": "No retake is left.",
        "OVERLAPS": "A person, room or examiner would be in two places at once.",
        "STAFF_RECUSED": "Somebody on duty must not examine this firm's people.",
        "FULL": "No place is left.",
        "ROSTER_FROZEN": "The roster stands: names no longer change.",
        "TOO_MANY_CHANGES": "The booking was changed as often as the policy allows.",
        "PROMISE_LAPSED": "The places are no longer held.",
        "BUSY": "Too many write at once; the answer says when to send the same again.",
        "ALREADY_WAITING": "The firm is in this queue already.",
        "HOLD_LAPSED": "The minutes in which held places are named are over.",
        "ALREADY_EXTENDED": "The hold was extended before; it can be once.",
        "OVER_SHARE": "The firm would take more of the session than one firm may.",
        "SAME_PERSON_TWICE": "The same person is named twice.",
        "NOT_ASKED": "The caller is not asked for this consent.",
        "ALREADY_ANSWERED": "The consent has its answer.",
        "CONSENT_MISSING": "A session lacks a consent.",
        "LEAD_TIME": "Too little time is left before the day.",
        "NOTHING_TO_PLAN": "No request is open.",
        "CONTRADICTION": "What is asked for contradicts itself or what stands.",
        "NOT_ON_ROSTER": "The person is not on this session's roster.",
        "NOT_THE_DAY": "It is not the day for this.",
        "ALREADY_RECORDED": "It is recorded already.",
        "RESULT_MISSING": "A result is missing.",
        "DECLARATION_MISSING": "A declaration that the rule asks for is missing.",
        "TOO_LATE": "The deadline has passed.",
        "KEY_REUSED": "The idempotency key stands for another request.",
        "IN_PROGRESS": "The same request is still under way.",
    },
}


def put_into_words(schema: strawberry.Schema) -> None:
    """Describe the values of every closed list, and every mutation's input by what its type says."""
    for kind in schema._schema.type_map.values():  # noqa: SLF001  # Strawberry has no place for these
        if isinstance(kind, GraphQLEnumType):
            for name, value in kind.values.items():
                value.description = value.description or WORDS.get(kind.name, {}).get(name)
    mutations = schema._schema.mutation_type  # noqa: SLF001
    for field in mutations.fields.values() if mutations else ():
        for argument in field.args.values():
            kind = get_named_type(argument.type)
            if isinstance(kind, GraphQLInputObjectType):
                argument.description = argument.description or kind.description
