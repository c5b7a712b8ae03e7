"""The firms of a bureau: spread over its towns by employment, scattered around their offices."""

from collections.abc import Iterator, Sequence
from random import Random

from scheduler.district.identities import credit_codes, phones
from scheduler.district.jurisdictions import Bureau
from scheduler.district.numerals import in_chinese
from scheduler.district.values import Enterprise, Jurisdiction

ENTERPRISES_A_BUREAU = 300

_STEMS = ("示例", "样板", "虚构")
_TRADES = (
    "叉车",
    "物流",
    "仓储",
    "机械",
    "包装",
    "食品",
    "电子",
    "纺织",
    "建材",
    "冷链",
    "五金",
    "气体",
    "电梯",
    "起重",
)
_FORMS = {"91": "有限公司", "92": "经营部", "N2": "合作社"}
_SCATTER_DEGREES = 0.009  # one standard deviation, about a kilometre


def enterprises_of(bureau: Bureau, chance: Random) -> tuple[Enterprise, ...]:
    """About three hundred firms; every town has at least one."""
    codes, contacts = credit_codes(chance, bureau=bureau.index), phones(bureau=bureau.index)
    return tuple(
        Enterprise(
            credit_code=code,
            name=_name(bureau, number, form=_FORMS[code[:2]], chance=chance),
            office=office.code,
            at=office.at.moved(chance.gauss(0, _SCATTER_DEGREES), chance.gauss(0, _SCATTER_DEGREES)),
            contact_name=f"示例联系人{in_chinese(number, width=3)}",
            contact_phone=contact,
        )
        for number, (office, code, contact) in enumerate(
            zip(_offices(bureau, chance), codes, contacts, strict=False), 1
        )
    )


def apportioned(total: int, weights: Sequence[float]) -> list[int]:
    """A total split by weights to whole numbers, by largest remainder; ties go to the first."""
    exact = [total * weight / sum(weights) for weight in weights]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: (whole[place] - exact[place], place))
    for place in by_remainder[: total - sum(whole)]:
        whole[place] += 1
    return whole


def _offices(bureau: Bureau, chance: Random) -> Iterator[Jurisdiction]:
    """The office of each firm, town by town."""
    shares = apportioned(ENTERPRISES_A_BUREAU, [town.employment for town in bureau.towns])
    for town, share in zip(bureau.towns, shares, strict=True):
        yield from (chance.choice(town.offices) for _ in range(max(share, 1)))


def _name(bureau: Bureau, number: int, *, form: str, chance: Random) -> str:
    return f"{bureau.label}{chance.choice(_STEMS)}{chance.choice(_TRADES)}{in_chinese(number, width=3)}{form}"
