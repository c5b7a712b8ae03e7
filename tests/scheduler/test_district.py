import math
from collections import Counter
from datetime import date

import pytest

from models.identifiers import DocumentKind, born_on, credit_code, identity_document, phone
from models.vocabulary import Confidence, Education, Subject, Tier
from scheduler.calendar import DayHours, WorkCalendar
from scheduler.district.catalogue import ITEM_BY_KEY, ITEMS, SubjectRule, provenance
from scheduler.district.demand import ITEM_SHARES
from scheduler.district.generator import SPRING_OF_2027, generate
from scheduler.district.values import District, ExamKey, Worker

SONGJIANG = generate(1)
THREE_BUREAUS = generate(1, 3)


def rule_of(exam: ExamKey) -> SubjectRule:
    (rule,) = (rule for rule in ITEM_BY_KEY[exam.item].subjects if rule.subject is exam.subject)
    return rule


def exams_asked_for() -> list[ExamKey]:
    return [ExamKey(item, rule.subject) for item in ITEM_SHARES for rule in ITEM_BY_KEY[item].subjects]


def people_by_item(district: District) -> Counter[str]:
    people: Counter[str] = Counter()
    for request in district.requests:
        people[request.item] += request.people
    return people


def age_of(worker: Worker, on: date) -> int:
    return on.year - worker.born_on.year - ((on.month, on.day) < (worker.born_on.month, worker.born_on.day))


def test_the_same_seed_gives_the_same_district() -> None:
    assert generate(1) == SONGJIANG


def test_another_seed_gives_another_district_on_the_same_map() -> None:
    other = generate(2)

    assert other.jurisdictions == SONGJIANG.jurisdictions
    assert other.enterprises != SONGJIANG.enterprises
    assert other.requests != SONGJIANG.requests


def test_further_bureaus_change_nothing_in_the_first() -> None:
    assert THREE_BUREAUS.requests[: len(SONGJIANG.requests)] == SONGJIANG.requests
    assert THREE_BUREAUS.workers[: len(SONGJIANG.workers)] == SONGJIANG.workers
    assert THREE_BUREAUS.sites[: len(SONGJIANG.sites)] == SONGJIANG.sites


@pytest.mark.parametrize("bureaus", [-1, 0, 100])
def test_a_district_without_or_with_too_many_bureaus_is_refused(bureaus: int) -> None:
    with pytest.raises(ValueError, match="1 to 99 bureaus"):
        generate(1, bureaus)


def test_songjiang_has_its_tree() -> None:
    tiers = Counter(node.tier for node in SONGJIANG.jurisdictions)
    zone_offices = [node for node in SONGJIANG.jurisdictions if node.parent == "310117900"]

    assert tiers == {Tier.BUREAU: 1, Tier.TOWN: 18, Tier.OFFICE: 26}
    assert SONGJIANG.jurisdictions[0].name == "松江区市场监督管理局"
    assert [office.name for office in zone_offices] == ["经开区市场监管所"]


def test_the_scale_is_that_of_a_quarter() -> None:
    assert len(SONGJIANG.enterprises) == 300
    assert len(SONGJIANG.workers) == 1_600
    assert sum(request.people for request in SONGJIANG.requests) == 1_600
    assert len(SONGJIANG.sites) == 45
    assert len(SONGJIANG.examiners) == 14
    assert len(SONGJIANG.exam_bodies) == 1


def test_bureaus_have_the_same_shape_and_lie_apart() -> None:
    roots = [node for node in THREE_BUREAUS.jurisdictions if node.tier is Tier.BUREAU]

    assert [node.name for node in roots] == [
        "松江区市场监督管理局",
        "示范一区市场监督管理局",
        "示范二区市场监督管理局",
    ]
    assert len({node.at for node in roots}) == 3
    assert len(THREE_BUREAUS.workers) == 4_800


def test_no_key_and_no_number_is_given_twice() -> None:
    for keys in (
        [node.code for node in THREE_BUREAUS.jurisdictions],
        [enterprise.credit_code for enterprise in THREE_BUREAUS.enterprises],
        [enterprise.contact_phone for enterprise in THREE_BUREAUS.enterprises],
        [enterprise.name for enterprise in THREE_BUREAUS.enterprises],
        [worker.key for worker in THREE_BUREAUS.workers],
        [worker.document.number for worker in THREE_BUREAUS.workers],
        [site.key for site in THREE_BUREAUS.sites],
        [(site.jurisdiction, site.name) for site in THREE_BUREAUS.sites],
        [examiner.key for examiner in THREE_BUREAUS.examiners],
        [body.key for body in THREE_BUREAUS.exam_bodies],
        [request.key for request in THREE_BUREAUS.requests],
        [(request.enterprise, request.item) for request in THREE_BUREAUS.requests],
        [item.key for item in THREE_BUREAUS.items],
    ):
        assert len(set(keys)) == len(keys)


def test_every_reference_leads_somewhere() -> None:
    nodes = {node.code: node for node in THREE_BUREAUS.jurisdictions}
    firms = {enterprise.credit_code for enterprise in THREE_BUREAUS.enterprises}
    employer = {worker.key: worker.enterprise for worker in THREE_BUREAUS.workers}
    bodies = {body.key for body in THREE_BUREAUS.exam_bodies}

    assert {node.parent for node in nodes.values() if node.tier is not Tier.BUREAU} <= nodes.keys()
    assert all(nodes[enterprise.office].tier is Tier.OFFICE for enterprise in THREE_BUREAUS.enterprises)
    assert {site.jurisdiction for site in THREE_BUREAUS.sites} <= nodes.keys()
    assert {site.host for site in THREE_BUREAUS.sites if site.host} <= firms
    assert {examiner.exam_body for examiner in THREE_BUREAUS.examiners} == bodies
    assert {recusal.enterprise for each in THREE_BUREAUS.examiners for recusal in each.recusals} <= firms
    for request in THREE_BUREAUS.requests:
        assert {employer[key] for key in (*request.named, *request.named_later)} == {request.enterprise}


def test_everyone_is_asked_for_once() -> None:
    asked = [key for request in SONGJIANG.requests for key in (*request.named, *request.named_later)]

    assert sorted(asked) == [worker.key for worker in SONGJIANG.workers]


def test_credit_codes_and_phones_are_valid_and_some_codes_begin_with_a_letter() -> None:
    codes = [enterprise.credit_code for enterprise in THREE_BUREAUS.enterprises]

    assert [credit_code(code) for code in codes] == codes
    assert 0 < sum(code[0].isalpha() for code in codes) < len(codes) / 4
    assert all(phone(each.contact_phone) == each.contact_phone for each in THREE_BUREAUS.enterprises)


def test_identity_numbers_are_valid_carry_the_birth_date_and_no_real_order_number() -> None:
    for worker in THREE_BUREAUS.workers:
        assert identity_document(worker.document.kind, worker.document.number) == worker.document
        assert born_on(worker.document) == worker.born_on
        assert worker.document.number[14:17] == "000"


def test_people_come_from_songjiang_from_elsewhere_and_with_permits() -> None:
    areas = Counter(worker.document.number[:6] for worker in SONGJIANG.workers)
    kinds = Counter(worker.document.kind for worker in SONGJIANG.workers)

    assert areas["310117"] > 200
    assert len(areas) > 8
    assert kinds[DocumentKind.HMT_RESIDENCE_PERMIT] > 0


def test_everyone_is_between_19_and_59_on_the_first_day() -> None:
    ages = {age_of(worker, SPRING_OF_2027.starts_on) for worker in THREE_BUREAUS.workers}

    assert min(ages) == 19
    assert max(ages) == 59


def test_everyone_may_apply_for_what_they_are_asked_for() -> None:
    levels = list(Education)
    workers = {worker.key: worker for worker in SONGJIANG.workers}

    for request in SONGJIANG.requests:
        rule = ITEM_BY_KEY[request.item].rule
        for key in (*request.named, *request.named_later):
            assert levels.index(workers[key].education) >= levels.index(rule.least_education.value)
            assert workers[key].years_of_work >= rule.least_years_of_work.value


def test_the_mix_is_that_of_the_sheet() -> None:
    people = people_by_item(SONGJIANG)

    assert math.isclose(sum(ITEM_SHARES.values()), 1)
    assert people["N1"] == 576
    assert people == {item: round(share * 1_600) for item, share in ITEM_SHARES.items()}


def test_wishes_lie_in_the_quarter_and_leave_time() -> None:
    for request in SONGJIANG.requests:
        assert SPRING_OF_2027.starts_on <= request.earliest_day
        assert request.latest_day < SPRING_OF_2027.ends_on
        assert (request.latest_day - request.earliest_day).days >= 28


def test_some_people_are_named_later_and_some_groups_stay_together() -> None:
    assert 0 < sum(bool(request.named_later) for request in SONGJIANG.requests) < len(SONGJIANG.requests) / 2
    assert 0 < sum(request.keep_together for request in SONGJIANG.requests) < len(SONGJIANG.requests) / 2
    assert 0 < sum(request.most_km is not None for request in SONGJIANG.requests) < len(SONGJIANG.requests) / 4


def test_all_three_tiers_have_sites_and_the_municipal_centre_offers_everything() -> None:
    tier_of = {node.code: node.tier for node in SONGJIANG.jurisdictions}
    (centre,) = (site for site in SONGJIANG.sites if site.is_municipal_centre)

    assert Counter(tier_of[site.jurisdiction] for site in SONGJIANG.sites) == {
        Tier.BUREAU: 2,
        Tier.TOWN: 18,
        Tier.OFFICE: 25,
    }
    assert tier_of[centre.jurisdiction] is Tier.BUREAU
    assert {offer.exam for offer in centre.offers} == {
        ExamKey(item.key, rule.subject) for item in ITEMS for rule in item.subjects
    }


def test_a_site_offers_no_exam_twice_and_can_hold_the_smallest_group() -> None:
    for site in SONGJIANG.sites:
        assert len({offer.exam for offer in site.offers}) == len(site.offers)
        assert all(offer.places >= rule_of(offer.exam).least_people.value for offer in site.offers)


def test_a_yard_with_two_vehicles_takes_twenty_four_forklift_drivers() -> None:
    practical = ExamKey("N1", Subject.PRACTICAL)
    places = Counter(o.places for site in SONGJIANG.sites if site.host for o in site.offers if o.exam == practical)

    assert places == {24: 4, 12: 5}


def test_what_is_asked_for_can_be_examined_somewhere_by_enough_examiners() -> None:
    for exam in exams_asked_for():
        assert any(offer.exam == exam for site in SONGJIANG.sites for offer in site.offers)
        assert sum(exam in examiner.skills for examiner in SONGJIANG.examiners) >= 4


def test_examiners_have_half_days_enough_for_two_rounds_with_sessions_two_thirds_full() -> None:
    blocks = set(WorkCalendar({}, DayHours()).blocks_between(SPRING_OF_2027.starts_on, SPRING_OF_2027.ends_on))
    people = people_by_item(SONGJIANG)

    free = sum(len(blocks - set(examiner.leave)) for examiner in SONGJIANG.examiners)
    sessions = sum(math.ceil(people[e.item] / (rule_of(e).places.value * 2 / 3)) for e in exams_asked_for())

    assert all(set(examiner.leave) <= blocks for examiner in SONGJIANG.examiners)
    assert 0.5 < free / (len(blocks) * len(SONGJIANG.examiners)) < 0.7
    assert 2 * sessions < free * 0.6
    assert 2 * sessions < 2 * sum(examiner.most_blocks_a_round for examiner in SONGJIANG.examiners)


def test_a_district_does_not_show_identity_numbers_by_accident() -> None:
    assert SONGJIANG.workers[0].document.number not in repr(SONGJIANG)


def test_the_catalogue_has_the_whole_table() -> None:
    codes = {item.code for item in ITEMS}
    limits = [item.scope_limit for item in ITEMS if item.code == "Q2"]

    assert codes == {
        *("A", "G1", "G2", "G3", "R1", "R2", "R3", "P", "T", "Q1", "Q2"),
        *("S1", "S2", "Y1", "Y2", "N1", "N2", "F", "Z6002"),
    }
    assert limits == ["桥式", "门式", "塔式", "门座式", "缆索式", "流动式", "升降机"]


def test_management_has_theory_only_and_no_retake() -> None:
    management = ITEM_BY_KEY["A"]

    assert [rule.subject for rule in management.subjects] == [Subject.THEORY]
    assert management.rule.retakes.value == 0
    assert management.rule.least_education.value is Education.SENIOR_SECONDARY
    assert management.rule.least_years_of_work.value == 2


def test_the_numbers_are_those_of_the_rules_and_not_those_that_circulate() -> None:
    for item in ITEMS:
        assert item.rule.valid_years.value == 4
        assert (item.rule.least_age.value, item.rule.most_age.value, item.rule.renewal_most_age.value) == (18, 60, 65)
        assert item.rule.renewal_lead_months.value == 1
        assert {rule.pass_mark.value for rule in item.subjects} == {70}
        assert {rule.staff.value for rule in item.subjects} == {2}
    assert ITEM_BY_KEY["N1"].name == "叉车司机"


def test_places_follow_from_the_minutes_of_a_candidate() -> None:
    places = {key: rule_of(ExamKey(key, Subject.PRACTICAL)).places.value for key in ("N1", "Q2-桥式", "Q1", "R1", "G1")}

    assert places == {"N1": 12, "Q2-桥式": 9, "Q1": 12, "R1": 9, "G1": 9}
    assert rule_of(ExamKey("N1", Subject.THEORY)).places.value == 20


def test_rare_items_can_be_held_for_two_and_common_ones_need_a_group() -> None:
    least = {item.key: tuple(rule.least_people.value for rule in item.subjects) for item in ITEMS}

    assert least["N1"] == (8, 6)
    assert least["A"] == (8,)
    assert {least[key] for key in ("S1", "S2", "Y1", "Y2")} == {(2, 2)}


def test_every_number_says_where_it_comes_from() -> None:
    numbers = provenance(rule_of(ExamKey("N1", Subject.PRACTICAL)))

    assert numbers["pass_mark"] == {"source": "TSG Z6001-2019", "confidence": "FOUND"}
    assert numbers["minutes_a_candidate"] == {"source": "planning assumption", "confidence": "ASSUMED"}
    assert provenance(ITEM_BY_KEY["S1"].rule)["least_education"]["confidence"] == Confidence.ASSUMED
    assert set(provenance(ITEM_BY_KEY["A"].rule)) == set(vars(ITEM_BY_KEY["A"].rule))
