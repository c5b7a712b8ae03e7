"""What jobs ran, and who works on what."""

from scheduler.audit.invariant import Invariant

RUNS_ACCOUNTED_FOR = Invariant(
    name="runs-accounted-for",
    sentence="Every firing of a job is finished, dead for a reason, or open; only open ones are held.",
    counted="SELECT count(*) FROM job_run",
    query="""
        SELECT 'job_run', id,
               format('%s of %s: finished %s, dead %s, %s attempts, held until %s', job, fire_at,
                      coalesce(finished_at::text, 'never'), coalesce(died_at::text, 'never'), attempts,
                      coalesce(leased_until::text, 'never'))
          FROM job_run
         WHERE (finished_at IS NOT NULL AND died_at IS NOT NULL)
            OR (died_at IS NOT NULL AND (failure IS NULL OR attempts = 0))
            OR (leased_until IS NOT NULL AND (claim = 0 OR finished_at IS NOT NULL OR died_at IS NOT NULL))
    """,
)

SEARCHES_ARE_OF_PLANNING = Invariant(
    name="searches-are-of-planning",
    sentence="A worker searches for a plan only of a round that is being planned, and only there is there progress.",
    counted="SELECT count(*) FROM round",
    query="""
        SELECT 'round', id, format('%s, held until %s, %s', state, coalesce(leased_until::text, 'never'),
                                   CASE WHEN progress IS NULL THEN 'no progress' ELSE 'progress' END)
          FROM round
         WHERE state <> 'PLANNING' AND (leased_until IS NOT NULL OR progress IS NOT NULL OR solve_after IS NOT NULL)
    """,
)

RUNS = (RUNS_ACCOUNTED_FOR, SEARCHES_ARE_OF_PLANNING)
