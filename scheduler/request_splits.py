"""A request whose people part: some have their places, the others ask again for the same."""

from models.demand import Request
from models.vocabulary import RequestState


def again_for(request: Request, people: int) -> Request:
    """An open request for so many of a request's people: the same wish, as old as the first."""
    return Request(
        enterprise_id=request.enterprise_id,
        exam_id=request.exam_id,
        people=people,
        earliest_day=request.earliest_day,
        latest_day=request.latest_day,
        latitude=request.latitude,
        longitude=request.longitude,
        keep_together=request.keep_together,
        most_km=request.most_km,
        origin=request.origin,
        state=RequestState.OPEN,
        asked_at=request.asked_at,
    )
