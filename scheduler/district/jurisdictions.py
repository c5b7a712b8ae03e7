"""The tree of a bureau: Songjiang's own for the first, the same shape moved on the map for every further one."""

from dataclasses import dataclass

from models.vocabulary import Tier
from scheduler.district.numerals import in_chinese
from scheduler.district.values import Jurisdiction, Point


@dataclass(frozen=True)
class TownShape:
    """A town-tier node: where it lies, who works there, and its park stations beside the office."""

    suffix: str
    name: str
    at: Point
    employment: int
    stations: tuple[str, ...] = ()


SONGJIANG_CODE = "310117"
SONGJIANG_CENTRE = Point(31.031, 121.227)

# Fifth Economic Census (2023), secondary and tertiary employment; points are approximate. Station names are invented.
TOWNS = (
    TownShape("001", "岳阳街道", Point(31.0160, 121.2271), 35_808),
    TownShape("002", "永丰街道", Point(31.0051, 121.1980), 33_857),
    TownShape("003", "方松街道", Point(31.0279, 121.2110), 35_607),
    TownShape("004", "中山街道", Point(31.0260, 121.2446), 82_534, ("中山工业园工作站", "中山综合市场工作站")),
    TownShape("005", "广富林街道", Point(31.058, 121.212), 20_170),
    TownShape("006", "九里亭街道", Point(31.1505, 121.3138), 15_407),
    TownShape("102", "泗泾镇", Point(31.1173, 121.2545), 51_348, ("泗泾工业园工作站",)),
    TownShape("103", "佘山镇", Point(31.1034, 121.1795), 35_298),
    TownShape("104", "车墩镇", Point(31.0110, 121.3203), 62_668, ("车墩工业园工作站",)),
    TownShape("105", "新桥镇", Point(31.0732, 121.3219), 91_342, ("新桥工业园工作站", "新桥科技园工作站")),
    TownShape("106", "洞泾镇", Point(31.0759, 121.2795), 39_075),
    TownShape("107", "九亭镇", Point(31.1143, 121.3408), 84_087, ("九亭工业园工作站", "九亭专业市场工作站")),
    TownShape("109", "泖港镇", Point(30.9393, 121.1545), 17_633),
    TownShape("116", "石湖荡镇", Point(30.985, 121.140), 31_171),
    TownShape("117", "新浜镇", Point(30.9276, 121.0604), 12_597),
    TownShape("120", "叶榭镇", Point(30.9381, 121.3145), 21_982),
    TownShape("121", "小昆山镇", Point(31.0291, 121.1195), 29_215),
    # The development zone spans several towns and stands beside them as a node of its own; code and point are assumed.
    TownShape("900", "经开区", Point(31.045, 121.262), 148_013),
)

# Park stations lie some way from the town's point; one step is about a kilometre and a half.
_STATION_STEPS = ((0.012, 0.010), (-0.011, 0.012))
_BUREAUS_IN_A_ROW = 8
_STEP_DEGREES = 0.6


@dataclass(frozen=True)
class Town:
    """A town-tier node with its offices."""

    node: Jurisdiction
    offices: tuple[Jurisdiction, ...]
    employment: int


@dataclass(frozen=True)
class Bureau:
    """A bureau with its towns; `label` begins the names of what belongs to it, `index` the keys."""

    index: int
    label: str
    node: Jurisdiction
    towns: tuple[Town, ...]

    @property
    def nodes(self) -> tuple[Jurisdiction, ...]:
        """The whole tree, parents before children."""
        offices = (office for town in self.towns for office in town.offices)
        return (self.node, *(town.node for town in self.towns), *offices)

    def key(self, kind: str, number: int) -> str:
        """A key that no other bureau uses."""
        return f"B{self.index}-{kind}{number:04d}"


def bureau_at(index: int) -> Bureau:
    """Songjiang for zero; else an invented district of the same shape, moved so that no two overlap."""
    if index == 0:
        code, label, office = SONGJIANG_CODE, "松江", "松江区市场监督管理局"
    else:
        label = f"示范{in_chinese(index)}区"
        code, office = f"SF{index:04d}", f"{label}市场监督管理局"
    node = Jurisdiction(code=code, name=office, tier=Tier.BUREAU, parent=None, at=_moved(SONGJIANG_CENTRE, index))
    towns = tuple(_town(node, shape, place=place, index=index) for place, shape in enumerate(TOWNS, start=1))
    return Bureau(index=index, label=label, node=node, towns=towns)


def _town(bureau: Jurisdiction, shape: TownShape, *, place: int, index: int) -> Town:
    name, stations = _names(shape, place=place, index=index)
    code, at = f"{bureau.code}{shape.suffix}", _moved(shape.at, index)
    stem = name.removesuffix("街道").removesuffix("镇")
    points = (at, *(at.moved(*step) for step in _STATION_STEPS))
    offices = tuple(
        Jurisdiction(code=f"{code}-{number}", name=office, tier=Tier.OFFICE, parent=code, at=point)
        for number, (office, point) in enumerate(zip((f"{stem}市场监管所", *stations), points, strict=False), start=1)
    )
    node = Jurisdiction(code=code, name=name, tier=Tier.TOWN, parent=bureau.code, at=at)
    return Town(node=node, offices=offices, employment=shape.employment)


def _names(shape: TownShape, *, place: int, index: int) -> tuple[str, tuple[str, ...]]:
    if index == 0:
        return shape.name, shape.stations
    stem = f"示范{in_chinese(index)}区第{in_chinese(place)}"
    stations = tuple(f"{stem}园区工作站{in_chinese(number)}" for number in range(1, len(shape.stations) + 1))
    return f"{stem}街道" if shape.name.endswith("街道") else f"{stem}镇", stations


def _moved(point: Point, index: int) -> Point:
    rows, columns = divmod(index, _BUREAUS_IN_A_ROW)
    return point.moved(-rows * _STEP_DEGREES, -columns * _STEP_DEGREES)
