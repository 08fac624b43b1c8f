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
    user_id,
    remote_ip
  FROM everything
  WHERE
    event_time >= :since
    AND event_time < :until
    AND REGEXP_LIKE(event, '^auth\.login\.(failed|rate_limited)')
), found AS (
  SELECT
    event_time,
    uid,
    event,
    user_id,
    remote_ip
  FROM (
    SELECT
      event_time,
      uid,
      event,
      user_id,
      remote_ip,
      ROW_NUMBER() OVER (PARTITION BY uid ORDER BY event_time) AS copy
    FROM matching
  ) AS copies
  WHERE
    copy = 1
)
SELECT
  remote_ip AS address,
  COUNT(*) AS attempts,
  COUNT(DISTINCT user_id) AS accounts,
  MIN(event_time) AS first_time,
  MAX(event_time) AS last_time
FROM found
GROUP BY
  remote_ip
HAVING
  COUNT(*) >= CAST(:at_least AS BIGINT)
ORDER BY
  attempts DESC,
  address
