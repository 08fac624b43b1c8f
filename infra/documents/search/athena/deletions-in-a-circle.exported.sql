WITH stored AS (
  SELECT
    year,
    month,
    day,
    message
  FROM any_exported
), everything AS (
  SELECT
    DATE_FORMAT(
      DATE_ADD(
        'SECOND',
        CAST(SUBSTR(
          JSON_EXTRACT_SCALAR(message, '$.timeUnixNano'),
          1,
          LENGTH(JSON_EXTRACT_SCALAR(message, '$.timeUnixNano')) - 9
        ) AS BIGINT),
        CAST('1970-01-01 00:00:00' AS TIMESTAMP(0))
      ),
      '%Y-%m-%dT%T'
    ) || '.' || SUBSTR(
      JSON_EXTRACT_SCALAR(message, '$.timeUnixNano'),
      LENGTH(JSON_EXTRACT_SCALAR(message, '$.timeUnixNano')) - 8,
      3
    ) || 'Z' AS event_time,
    JSON_EXTRACT_SCALAR(message, '$.severityText') AS severity,
    JSON_EXTRACT_SCALAR(message, '$.body') AS body,
    JSON_EXTRACT_SCALAR(message, '$.attributes["log.record.uid"]') AS uid,
    JSON_EXTRACT_SCALAR(message, '$.attributes["tinybeans.log.class"]') AS class,
    JSON_EXTRACT_SCALAR(message, '$.attributes["logger.name"]') AS logger,
    JSON_EXTRACT_SCALAR(message, '$.attributes.event') AS event,
    JSON_EXTRACT_SCALAR(message, '$.attributes.outcome') AS outcome,
    JSON_EXTRACT_SCALAR(message, '$.attributes.request_id') AS request_id,
    JSON_EXTRACT_SCALAR(message, '$.attributes.user_id') AS user_id,
    JSON_EXTRACT_SCALAR(message, '$.attributes.actor_id') AS actor_id,
    JSON_EXTRACT_SCALAR(message, '$.attributes.target_id') AS target_id,
    JSON_EXTRACT_SCALAR(message, '$.attributes.circle_id') AS circle_id,
    JSON_EXTRACT_SCALAR(message, '$.attributes.remote_ip') AS remote_ip
  FROM stored
  WHERE
    year BETWEEN SUBSTR(:since, 1, 4) AND SUBSTR(:until, 1, 4)
    AND CONCAT(year, '-', month, '-', day) BETWEEN SUBSTR(:since, 1, 10) AND SUBSTR(:until, 1, 10)
    AND NOT message IS NULL
), matching AS (
  SELECT
    event_time,
    uid,
    event,
    outcome,
    request_id,
    user_id,
    actor_id,
    target_id,
    circle_id
  FROM everything
  WHERE
    event_time >= :since
    AND event_time < :until
    AND circle_id = :circle_id
    AND REGEXP_LIKE(event, '(deleted|removed)$')
), found AS (
  SELECT
    event_time,
    uid,
    event,
    outcome,
    request_id,
    user_id,
    actor_id,
    target_id,
    circle_id
  FROM (
    SELECT
      event_time,
      uid,
      event,
      outcome,
      request_id,
      user_id,
      actor_id,
      target_id,
      circle_id,
      ROW_NUMBER() OVER (PARTITION BY uid ORDER BY event_time) AS copy
    FROM matching
  ) AS copies
  WHERE
    copy = 1
)
SELECT
  event_time,
  event,
  actor_id,
  user_id,
  target_id,
  outcome,
  request_id,
  uid
FROM found
ORDER BY
  event_time,
  uid
