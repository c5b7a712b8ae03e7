"""Messages out and answers by key."""

from scheduler.audit.invariant import Invariant

MESSAGES_ACCOUNTED_FOR = Invariant(
    name="messages-accounted-for",
    sentence="Every message is delivered, dead or due: one of the three.",
    counted="SELECT count(*) FROM outbox_message",
    query="""
        SELECT 'outbox_message', id,
               format('delivered %s, %s, due %s, made %s, %s attempts', coalesce(delivered_at::text, 'never'),
                      CASE WHEN is_dead THEN 'dead' ELSE 'not dead' END, due_at, made_at, attempts)
          FROM outbox_message
         WHERE is_dead AND (delivered_at IS NOT NULL OR attempts = 0) OR delivered_at < made_at OR due_at < made_at
            OR attempts < 0
    """,
)

ONE_ANSWER_A_KEY = Invariant(
    name="one-answer-a-key",
    sentence="Every idempotency key of an account stands for one answer.",
    counted="SELECT count(*) FROM idempotency_key",
    query="""
        SELECT 'idempotency_key', min(id), format('account %s, %s answers', account_id, count(answer))
          FROM idempotency_key
         GROUP BY account_id, key
        HAVING count(*) <> 1 OR count(answer) <> 1
    """,
)

DELIVERIES = (MESSAGES_ACCOUNTED_FOR, ONE_ANSWER_A_KEY)
