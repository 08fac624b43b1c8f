WITH stored AS (
  SELECT
    region,
    year,
    month,
    day,
    records
  FROM reads
), everything AS (
  SELECT
    entry.eventtime AS event_time,
    entry.eventid AS uid,
    ELEMENT_AT(SPLIT(entry.useridentity.arn, '/'), -1) AS session_name,
    entry.useridentity.sessioncontext.sessionissuer.username AS role_name,
    entry.eventname AS action,
    entry.requestparameters.bucketname AS bucket,
    entry.requestparameters.key AS object_key,
    entry.sourceipaddress AS remote_address,
    entry.errorcode AS error
  FROM (
    SELECT
      ELEMENT_AT(records, r.place) AS entry
    FROM stored
    CROSS JOIN UNNEST(TRANSFORM(records, x -> 1)) WITH ORDINALITY AS r(one, place)
    WHERE
      year BETWEEN DATE_FORMAT(DATE_PARSE(:since, '%Y-%m-%dT%T') - INTERVAL '2' HOUR, '%Y') AND DATE_FORMAT(DATE_PARSE(:until, '%Y-%m-%dT%T') + INTERVAL '0' HOUR, '%Y')
      AND CONCAT(year, '-', month, '-', day) BETWEEN DATE_FORMAT(DATE_PARSE(:since, '%Y-%m-%dT%T') - INTERVAL '2' HOUR, '%Y-%m-%d') AND DATE_FORMAT(DATE_PARSE(:until, '%Y-%m-%dT%T') + INTERVAL '0' HOUR, '%Y-%m-%d')
  ) AS entries
), matching AS (
  SELECT
    event_time,
    uid,
    session_name,
    role_name,
    action,
    bucket,
    object_key,
    remote_address,
    error
  FROM everything
  WHERE
    event_time >= :since
    AND event_time < :until
    AND (
      session_name = :reader OR role_name = :reader
    )
), found AS (
  SELECT
    event_time,
    uid,
    session_name,
    role_name,
    action,
    bucket,
    object_key,
    remote_address,
    error
  FROM (
    SELECT
      event_time,
      uid,
      session_name,
      role_name,
      action,
      bucket,
      object_key,
      remote_address,
      error,
      ROW_NUMBER() OVER (PARTITION BY uid ORDER BY event_time) AS copy
    FROM matching
  ) AS copies
  WHERE
    copy = 1
)
SELECT
  event_time,
  role_name,
  session_name,
  action,
  bucket,
  object_key,
  remote_address,
  error
FROM found
ORDER BY
  event_time,
  uid
