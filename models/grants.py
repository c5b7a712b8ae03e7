"""Shares over the tiers: places of a session, and half-days of examiners, that are granted down for a time."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.columns import Table, instant, key, listed, refers_to
from models.vocabulary import GrantState


class PlaceGrant(Table, table=True):
    """
    Places of a session that a tier granted to a jurisdiction directly below it: that one's share, until a date.

    Each place of it is drawn by a firm, granted on to an office, gone back, or unused. `session.shared` is the sum of
    what is unused; `parent_id` is the town's share that an office's came from, empty where it came from the bureau.
    """

    __tablename__ = "place_grant"
    __table_args__ = (
        CheckConstraint(
            "given >= 1 AND least(drawn, granted_on, gone_back) >= 0 AND drawn + granted_on + gone_back <= given",
            name="every_place_once",
        ),
        CheckConstraint("state = 'STANDING' OR drawn + granted_on + gone_back = given", name="unused_while_standing"),
        Index(
            "uq_place_grant_standing",
            "session_id",
            "jurisdiction_id",
            unique=True,
            postgresql_where="state = 'STANDING'",
        ),
        Index("ix_place_grant_until_standing", "until", postgresql_where="state = 'STANDING'"),
        Index("ix_place_grant_session_id", "session_id"),
    )

    id: int = key()
    session_id: int = refers_to("session.id", index=False)
    jurisdiction_id: int = refers_to("jurisdiction.id")
    parent_id: int | None = refers_to("place_grant.id", optional=True)
    given: int
    drawn: int = 0
    granted_on: int = 0
    gone_back: int = 0
    until: datetime = instant()
    state: GrantState = listed(GrantState)
    granted_at: datetime = instant()

    @property
    def unused(self) -> int:
        """Places that the tier's own firms may still book, and that it may grant on or hand back."""
        return self.given - self.drawn - self.granted_on - self.gone_back


class GrantDraw(Table, table=True):
    """Nameless places of a standing hold that were drawn from a share, and go back to it if nobody is named."""

    __tablename__ = "grant_draw"
    __table_args__ = (
        UniqueConstraint("hold_id", "grant_id"),
        CheckConstraint("places >= 1", name="places_sensible"),
    )

    id: int = key()
    hold_id: int = refers_to("hold.id", index=False)
    grant_id: int = refers_to("place_grant.id")
    places: int


class StaffGrant(Table, table=True):
    """
    Half-days of examiners, for an item in a month, that a tier granted to a jurisdiction directly below it for a time.

    A half-day of it is granted on to an office, gone back, or kept: what of that the tier's own sessions use is counted
    from their rosters of staff. `month` is its first day; `parent_id` the town's share that an office's came from.
    """

    __tablename__ = "staff_grant"
    __table_args__ = (
        CheckConstraint(
            "given >= 1 AND least(granted_on, gone_back) >= 0 AND granted_on + gone_back <= given",
            name="every_half_day_once",
        ),
        CheckConstraint("extract(day FROM month) = 1", name="month_by_its_first_day"),
        Index(
            "uq_staff_grant_standing",
            "jurisdiction_id",
            "item_id",
            "month",
            unique=True,
            postgresql_where="state = 'STANDING'",
        ),
        Index("ix_staff_grant_until_standing", "until", postgresql_where="state = 'STANDING'"),
    )

    id: int = key()
    bureau_id: int = refers_to("jurisdiction.id")
    item_id: int = refers_to("item.id")
    month: date
    jurisdiction_id: int = refers_to("jurisdiction.id", index=False)
    parent_id: int | None = refers_to("staff_grant.id", optional=True)
    given: int
    granted_on: int = 0
    gone_back: int = 0
    until: datetime = instant()
    state: GrantState = listed(GrantState)
    granted_at: datetime = instant()

    @property
    def kept(self) -> int:
        """Half-days that are the tier's own: in use, or unused."""
        return self.given - self.granted_on - self.gone_back


# Checked when a transaction ends, whoever wrote: within it places are between two rows for a moment. All who write
# shares have their session's lock, so that nobody else's uncommitted places can be missed here.
SHARES_ADD_UP = """
CREATE FUNCTION shares_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place bigint := CASE WHEN TG_TABLE_NAME = 'session' THEN NEW.id
                         ELSE (to_jsonb(NEW) ->> 'session_id')::bigint END;
BEGIN
    IF (SELECT shared FROM session WHERE id = place) <>
       (SELECT coalesce(sum(given - drawn - granted_on - gone_back), 0) FROM place_grant WHERE session_id = place)
       OR EXISTS (SELECT FROM place_grant town
                   WHERE session_id = place
                     AND granted_on <> (SELECT coalesce(sum(given - gone_back), 0) FROM place_grant office
                                         WHERE office.parent_id = town.id)) THEN
        RAISE EXCEPTION 'the shares of session % do not add up', place
            USING ERRCODE = 'check_violation', CONSTRAINT = 'shares_add_up';
    END IF;
    RETURN NULL;
END $$
"""
HALF_DAYS_ADD_UP = """
CREATE FUNCTION half_days_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM staff_grant town
                WHERE id IN (NEW.id, NEW.parent_id)
                  AND granted_on <> (SELECT coalesce(sum(given - gone_back), 0) FROM staff_grant office
                                      WHERE office.parent_id = town.id)) THEN
        RAISE EXCEPTION 'the half-days granted on from share % do not add up', coalesce(NEW.parent_id, NEW.id)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'half_days_add_up';
    END IF;
    RETURN NULL;
END $$
"""
CONSERVED = (
    SHARES_ADD_UP,
    HALF_DAYS_ADD_UP,
    (
        "CREATE CONSTRAINT TRIGGER half_days_add_up AFTER INSERT OR UPDATE ON staff_grant DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION half_days_add_up()"
    ),
    (
        "CREATE CONSTRAINT TRIGGER shares_add_up AFTER INSERT OR UPDATE ON place_grant DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION shares_add_up()"
    ),
    (
        "CREATE CONSTRAINT TRIGGER shares_add_up AFTER UPDATE OF shared ON session DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (OLD.shared <> NEW.shared) EXECUTE FUNCTION shares_add_up()"
    ),
)
