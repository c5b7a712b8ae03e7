"""Messages out and answers by key."""

from scheduler.audit.invariant import Invariant

MESSAGES_ACCOUNTED_FOR = Invariant(
    name="messages-accounted-for",
    sentence="Every message is delivered, dead after attempts, withheld as a courtesy that was declined, or due.",
    counted="SELECT count(*) FROM outbox_message",
    query="""
        SELECT 'outbox_message', id,
               format('delivered %s, %s, %s, due %s, made %s, %s attempts', coalesce(delivered_at::text, 'never'),
                      CASE WHEN is_dead THEN 'dead' ELSE 'not dead' END,
                      CASE WHEN is_withheld THEN 'withheld' ELSE 'not withheld' END, due_at, made_at, attempts)
          FROM outbox_message
         WHERE (delivered_at IS NOT NULL)::int + is_dead::int + is_withheld::int > 1
            OR attempts < (delivered_at IS NOT NULL OR is_dead)::int OR is_withheld AND courtesy IS NULL
            OR delivered_at < made_at OR due_at < made_at
    """,
)

# A message sent again by hand counts from none again; its log goes on.
ATTEMPTS_LOGGED = Invariant(
    name="attempts-logged",
    sentence="Every attempt counted on a message is in its log; a delivered one's last succeeded, a dead one's failed.",
    counted="SELECT count(*) FROM outbox_message WHERE attempts > 0",
    query="""
        SELECT 'outbox_message', m.id,
               format('%s attempts, %s logged, the last: %s', m.attempts, coalesce(log.attempts, 0),
                      coalesce(log.last, 'delivered'))
          FROM outbox_message m
          LEFT JOIN LATERAL (SELECT count(*) AS attempts, (array_agg(failure ORDER BY id DESC))[1] AS last
                               FROM delivery_attempt WHERE message_id = m.id) log ON true
         WHERE m.attempts > 0
           AND (log.attempts < m.attempts OR m.delivered_at IS NOT NULL AND log.last IS NOT NULL
                OR m.is_dead AND log.last IS NULL)
    """,
)

EVENTS_TO_THEIR_BODY = Invariant(
    name="events-to-their-body",
    sentence="An event goes to an endpoint of the exam body that it is for, and no courtesy or notice goes to one.",
    counted="SELECT count(*) FROM outbox_message WHERE endpoint_id IS NOT NULL",
    query="""
        SELECT 'outbox_message', m.id,
               format('%s for %s, endpoint of exam body %s', m.subject, m.recipient, e.exam_body_id)
          FROM outbox_message m JOIN webhook_endpoint e ON e.id = m.endpoint_id
         WHERE m.recipient <> 'exam_body:' || e.exam_body_id OR m.courtesy IS NOT NULL
            OR m.body::jsonb ->> 'type' IS DISTINCT FROM m.subject
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

DELIVERIES = (MESSAGES_ACCOUNTED_FOR, ATTEMPTS_LOGGED, EVENTS_TO_THEIR_BODY, ONE_ANSWER_A_KEY)
