-- The panel from claims in plain DuckDB SQL: the same checks, the same columns, one statement each.

CREATE VIEW rows AS
SELECT claim_id, person_key, enrol_county, provider_county, provider_id, setting, service_date,
       settle_date, total_fen, fund_fen, in_scope, reversal_of, provider_tier,
       CAST(year(service_date) AS INTEGER) AS year,
       CASE provider_tier WHEN 'community' THEN 'township' WHEN 'above' THEN 'county'
            ELSE provider_tier END AS tier
FROM read_parquet('{claims}', hive_partitioning = false);

CREATE TABLE broken AS
SELECT count(*) AS n, max(settle_date) AS settled,
       count(*) FILTER (claim_id IS NULL OR person_key IS NULL OR enrol_county IS NULL
         OR provider_county IS NULL OR provider_tier IS NULL OR setting IS NULL
         OR service_date IS NULL OR total_fen IS NULL OR fund_fen IS NULL OR in_scope IS NULL
         OR claim_id = '' OR person_key = '') AS absent,
       count(*) FILTER (length(enrol_county) <> 6 OR length(provider_county) <> 6) AS codes,
       count(*) FILTER (provider_tier NOT IN
         ('village', 'township', 'community', 'county', 'above', 'other')) AS tiers,
       count(*) FILTER (setting NOT IN ('op', 'er', 'ip')) AS settings,
       count(*) FILTER (year NOT BETWEEN 2005 AND 2035) AS years,
       count(*) FILTER (reversal_of IS NULL AND (total_fen < 0 OR fund_fen < 0)) AS negative,
       count(*) FILTER (reversal_of IS NOT NULL AND (total_fen > 0 OR fund_fen > 0)) AS positive,
       count(*) FILTER (reversal_of = claim_id) AS itself
FROM rows;

CREATE TABLE once AS
SELECT DISTINCT claim_id, reversal_of, person_key, enrol_county, provider_county, provider_id,
       setting, service_date, total_fen, fund_fen, in_scope, year, tier,
       CASE WHEN enrol_county <> provider_county THEN 'out' ELSE tier END AS place
FROM rows;

CREATE TABLE conflicts AS
SELECT claim_id FROM once GROUP BY claim_id HAVING count(*) > 1;

CREATE TABLE back AS
SELECT reversal_of, any_value(person_key) AS person_key, sum(total_fen)::BIGINT AS total_fen,
       sum(fund_fen)::BIGINT AS fund_fen
FROM once WHERE reversal_of IS NOT NULL GROUP BY reversal_of;

CREATE TABLE standing AS
SELECT o.* EXCLUDE (claim_id, reversal_of, total_fen, fund_fen),
       o.total_fen + coalesce(b.total_fen, 0) AS total_fen,
       o.fund_fen + coalesce(b.fund_fen, 0) AS fund_fen
FROM once o LEFT JOIN back b ON o.claim_id = b.reversal_of
WHERE o.reversal_of IS NULL
  AND NOT (b.reversal_of IS NOT NULL AND o.total_fen + b.total_fen = 0
           AND o.fund_fen + b.fund_fen = 0);

CREATE TABLE unfit AS
SELECT (SELECT count(*) FROM standing WHERE total_fen < 0 OR fund_fen < 0) AS over,
       (SELECT count(*) FROM back b ANTI JOIN (SELECT * FROM once WHERE reversal_of IS NULL) o
          ON b.reversal_of = o.claim_id AND b.person_key = o.person_key) AS unknown;

DROP TABLE once;

CREATE TABLE money AS
SELECT enrol_county, year,
       sum(fund_fen) FILTER (in_scope) AS spending,
       sum(fund_fen) FILTER (in_scope AND place = 'village') AS fund_village,
       sum(fund_fen) FILTER (in_scope AND place = 'township') AS fund_township,
       sum(fund_fen) FILTER (in_scope AND place = 'county') AS fund_county,
       sum(fund_fen) FILTER (in_scope AND place = 'out') AS fund_out,
       sum(total_fen) FILTER (in_scope AND place <> 'out' AND setting = 'ip') AS inpatient_spending,
       sum(fund_fen) FILTER (NOT in_scope) AS out_of_scope_spending,
       count(*) AS claims_n
FROM standing GROUP BY enrol_county, year;

CREATE TABLE visits AS
SELECT enrol_county, year, person_key, setting, tier, place, bool_or(in_scope) AS in_scope,
       bool_or(provider_id IS NULL) AS unnamed
FROM standing
GROUP BY enrol_county, year, person_key, service_date, setting, provider_county, tier,
         provider_id, place;

CREATE TABLE counts AS
SELECT enrol_county, year,
       count(*) FILTER (care AND setting <> 'ip' AND place = 'village') AS visits_village,
       count(*) FILTER (care AND setting <> 'ip' AND place = 'township') AS visits_township,
       count(*) FILTER (care AND setting <> 'ip' AND place = 'county') AS visits_county,
       count(*) FILTER (care AND setting <> 'ip' AND place = 'out') AS visits_out,
       count(*) FILTER (care AND setting = 'ip' AND place <> 'out') AS inpatient_admissions_n,
       count(*) FILTER (care AND setting = 'ip' AND place IN ('village', 'township'))
         AS admissions_township,
       count(*) FILTER (care AND setting = 'ip' AND place = 'county') AS admissions_county,
       count(*) FILTER (care AND setting = 'ip' AND place = 'out') AS admissions_out,
       count(*) FILTER (NOT in_scope AND tier <> 'other' AND setting <> 'ip')
         AS out_of_scope_visits,
       count(DISTINCT person_key) FILTER (in_scope) AS patients_n,
       count(*) FILTER (care AND unnamed) AS unnamed
FROM (SELECT *, in_scope AND tier <> 'other' AS care FROM visits) GROUP BY enrol_county, year;

COPY (
  SELECT m.enrol_county AS county_code, m.year, spending / 100 AS spending,
         fund_out / 100 AS out_of_county_spending,
         (fund_village + fund_township) / 100 AS primary_care_spending,
         fund_village / 100 AS fund_village, fund_township / 100 AS fund_township,
         fund_county / 100 AS fund_county, fund_out / 100 AS fund_out,
         inpatient_spending / 100 AS inpatient_spending,
         coalesce(out_of_scope_spending, 0) / 100 AS out_of_scope_spending,
         visits_village, visits_township, visits_county, visits_out, inpatient_admissions_n,
         admissions_township, admissions_county, admissions_out, patients_n, claims_n,
         out_of_scope_visits
  FROM money m JOIN counts c ON m.enrol_county = c.enrol_county AND m.year = c.year
  ORDER BY 1, 2
) TO '{output}' (FORMAT parquet);
