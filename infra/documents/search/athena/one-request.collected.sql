WITH stored AS (
  SELECT
    year,
    month,
    day,
    hour,
    resourcelogs
  FROM any_collected
), everything AS (
  SELECT
    DATE_FORMAT(
      DATE_ADD(
        'SECOND',
        CAST(SUBSTR(entry.timeunixnano, 1, LENGTH(entry.timeunixnano) - 9) AS BIGINT),
        CAST('1970-01-01 00:00:00' AS TIMESTAMP(0))
      ),
      '%Y-%m-%dT%T'
    ) || '.' || SUBSTR(entry.timeunixnano, LENGTH(entry.timeunixnano) - 8, 3) || 'Z' AS event_time,
    entry.severitytext AS severity,
    COALESCE(entry.body.stringvalue, entry.body.kvlistvalue, entry.body.arrayvalue) AS body,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'log.record.uid'), 1).value.stringvalue AS uid,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'tinybeans.log.class'), 1).value.stringvalue AS class,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'logger.name'), 1).value.stringvalue AS logger,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'event'), 1).value.stringvalue AS event,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'outcome'), 1).value.stringvalue AS outcome,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'request_id'), 1).value.stringvalue AS request_id,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'user_id'), 1).value.stringvalue AS user_id,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'actor_id'), 1).value.stringvalue AS actor_id,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'target_id'), 1).value.stringvalue AS target_id,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'circle_id'), 1).value.stringvalue AS circle_id,
    ELEMENT_AT(FILTER(entry.attributes, a -> a.key = 'remote_ip'), 1).value.stringvalue AS remote_ip
  FROM (
    SELECT
      ELEMENT_AT(scopelog.logrecords, l.place) AS entry
    FROM (
      SELECT
        ELEMENT_AT(resourcelog.scopelogs, s.place) AS scopelog
      FROM (
        SELECT
          ELEMENT_AT(resourcelogs, r.place) AS resourcelog
        FROM stored
        CROSS JOIN UNNEST(TRANSFORM(resourcelogs, x -> 1)) WITH ORDINALITY AS r(one, place)
        WHERE
          year BETWEEN DATE_FORMAT(DATE_PARSE(:since, '%Y-%m-%dT%T') - INTERVAL '2' HOUR, '%Y') AND DATE_FORMAT(DATE_PARSE(:until, '%Y-%m-%dT%T') + INTERVAL '0' HOUR, '%Y')
          AND CONCAT(year, '-', month, '-', day, 'T', hour) BETWEEN DATE_FORMAT(DATE_PARSE(:since, '%Y-%m-%dT%T') - INTERVAL '2' HOUR, '%Y-%m-%dT%H') AND DATE_FORMAT(DATE_PARSE(:until, '%Y-%m-%dT%T') + INTERVAL '0' HOUR, '%Y-%m-%dT%H')
      ) AS resources
      CROSS JOIN UNNEST(TRANSFORM(resourcelog.scopelogs, x -> 1)) WITH ORDINALITY AS s(one, place)
    ) AS scopes
    CROSS JOIN UNNEST(TRANSFORM(scopelog.logrecords, x -> 1)) WITH ORDINALITY AS l(one, place)
  ) AS entries
), matching AS (
  SELECT
    event_time,
    severity,
    body,
    uid,
    class,
    logger,
    event,
    request_id,
    user_id
  FROM everything
  WHERE
    event_time >= :since AND event_time < :until AND request_id = :request_id
), found AS (
  SELECT
    event_time,
    severity,
    body,
    uid,
    class,
    logger,
    event,
    request_id,
    user_id
  FROM (
    SELECT
      event_time,
      severity,
      body,
      uid,
      class,
      logger,
      event,
      request_id,
      user_id,
      ROW_NUMBER() OVER (PARTITION BY uid ORDER BY event_time) AS copy
    FROM matching
  ) AS copies
  WHERE
    copy = 1
)
SELECT
  event_time,
  class,
  severity,
  logger,
  event,
  user_id,
  body,
  uid
FROM found
ORDER BY
  event_time,
  uid
