-- Sums are kept apart by family as well: of all tenants together (0), of each tenant (1), of each key (2) and, new, of each
-- tenant with nothing told apart (3). What is asked of one family through a year reads no other.
-- Each family has tables for its hours, days and months: of all tenants' days through a year there are few, and they lie together.
-- Who writes meanwhile waits. Gateways of the version before go on writing and reading: what sums them is in here.

LOCK TABLE usage_sum, usage_series IN ACCESS EXCLUSIVE MODE;
ALTER TABLE usage_sum RENAME TO usage_sum_v17;
ALTER INDEX usage_sum_pkey RENAME TO usage_sum_v17_pkey;
ANALYZE usage_sum_v17, usage_series;
DROP INDEX usage_sum_series;
CREATE TABLE usage_sum (
    series_family               BIGINT NOT NULL,
    level                       BIGINT NOT NULL,
    start                       BIGINT NOT NULL,
    series_id                   BIGINT NOT NULL,
    requests                    BIGINT NOT NULL,
    not_measured                BIGINT NOT NULL,
    input                       BIGINT NOT NULL,
    cached_input                BIGINT NOT NULL,
    cache_write                 BIGINT NOT NULL,
    cache_write_1h              BIGINT NOT NULL,
    output                      BIGINT NOT NULL,
    reasoning_output            BIGINT NOT NULL,
    audio_input                 BIGINT NOT NULL,
    audio_output                BIGINT NOT NULL,
    image_input                 BIGINT NOT NULL,
    image_output                BIGINT NOT NULL,
    web_search_calls            BIGINT NOT NULL,
    cache_storage_token_seconds BIGINT NOT NULL,
    cost                        BIGINT NOT NULL,
    last_at                     BIGINT NOT NULL,
    PRIMARY KEY (series_family, level, start, series_id)
) PARTITION BY LIST (series_family);
DO $$
BEGIN
    FOR family IN 0..3 LOOP
        EXECUTE format('CREATE TABLE usage_sum_%s PARTITION OF usage_sum FOR VALUES IN (%s) PARTITION BY LIST (level)',
            family, family);
        FOR level IN 0..2 LOOP
            EXECUTE format('CREATE TABLE usage_sum_%s_%s PARTITION OF usage_sum_%s FOR VALUES IN (%s) WITH (fillfactor = 90)',
                family, level, family, level);
        END LOOP;
    END LOOP;
END
$$;
INSERT INTO usage_sum SELECT series.family, known.level, known.start, known.series_id,
        known.requests, known.not_measured, known.input, known.cached_input, known.cache_write, known.cache_write_1h,
        known.output, known.reasoning_output, known.audio_input, known.audio_output, known.image_input,
        known.image_output, known.web_search_calls, known.cache_storage_token_seconds, known.cost, known.last_at
    FROM usage_sum_v17 AS known JOIN usage_series AS series ON series.id = known.series_id
    ORDER BY 1, 2, 3, 4;
INSERT INTO usage_series (family, tenant_id, key_id, provider, model, answered, route, status)
    SELECT DISTINCT 3, tenant_id, 0, '', '', '', '', '' FROM usage_series WHERE family = 1;
INSERT INTO usage_sum
    SELECT 3, level, start, total.id,
        capped(SUM(requests)), capped(SUM(not_measured)), capped(SUM(input)), capped(SUM(cached_input)),
        capped(SUM(cache_write)), capped(SUM(cache_write_1h)), capped(SUM(output)), capped(SUM(reasoning_output)),
        capped(SUM(audio_input)), capped(SUM(audio_output)), capped(SUM(image_input)), capped(SUM(image_output)),
        capped(SUM(web_search_calls)), capped(SUM(cache_storage_token_seconds)), capped(SUM(cost)), MAX(last_at)
    FROM usage_sum_v17 AS known
    JOIN usage_series AS one ON one.id = known.series_id AND one.family = 1
    JOIN usage_series AS total ON total.family = 3 AND total.tenant_id = one.tenant_id
    GROUP BY level, start, total.id ORDER BY level, start, total.id;
DROP TABLE usage_sum_v17;
CREATE INDEX usage_sum_series ON usage_sum (series_id, level, start);
-- Without it, the first questions would be planned as if there were nothing.
ANALYZE usage_series, usage_sum;

CREATE OR REPLACE FUNCTION sum_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage_series (family, tenant_id, key_id, provider, model, answered, route, status)
        SELECT DISTINCT family.number, CASE family.number WHEN 0 THEN 0 ELSE seen.tenant_id END,
            CASE family.number WHEN 2 THEN seen.key_id ELSE 0 END,
            CASE family.number WHEN 3 THEN '' ELSE seen.provider END, CASE family.number WHEN 3 THEN '' ELSE seen.model END,
            CASE WHEN family.number >= 2 THEN '' ELSE seen.answered END,
            CASE WHEN family.number >= 2 THEN '' ELSE seen.route END,
            CASE WHEN family.number >= 2 THEN '' ELSE seen.status END
        FROM (SELECT DISTINCT tenant_id, key_id, provider, SUBSTR(model, 1, 200) AS model,
            SUBSTR(COALESCE(model_served, model), 1, 200) AS answered, SUBSTR(route, 1, 200) AS route, status
            FROM fresh) AS seen
        CROSS JOIN (VALUES (0::BIGINT), (1), (2), (3)) AS family (number)
        WHERE NOT EXISTS (SELECT 1 FROM usage_series AS series WHERE series.family = family.number
            AND series.tenant_id = CASE family.number WHEN 0 THEN 0 ELSE seen.tenant_id END
            AND series.key_id = CASE family.number WHEN 2 THEN seen.key_id ELSE 0 END
            AND series.provider = CASE family.number WHEN 3 THEN '' ELSE seen.provider END
            AND series.model = CASE family.number WHEN 3 THEN '' ELSE seen.model END
            AND series.answered = CASE WHEN family.number >= 2 THEN '' ELSE seen.answered END
            AND series.route = CASE WHEN family.number >= 2 THEN '' ELSE seen.route END
            AND series.status = CASE WHEN family.number >= 2 THEN '' ELSE seen.status END)
        ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
        ON CONFLICT DO NOTHING;
    INSERT INTO usage_sum (series_family, level, start, series_id, requests, not_measured, input, cached_input, cache_write,
            cache_write_1h, output, reasoning_output, audio_input, audio_output, image_input, image_output,
            web_search_calls, cache_storage_token_seconds, cost, last_at)
        SELECT family.number, level.number, usage_start(level.number, seen.hour), series.id, CAST(SUM(seen.requests) AS BIGINT),
            CAST(SUM(seen.not_measured) AS BIGINT),
            capped(SUM(seen.input)),
            capped(SUM(seen.cached_input)),
            capped(SUM(seen.cache_write)),
            capped(SUM(seen.cache_write_1h)),
            capped(SUM(seen.output)),
            capped(SUM(seen.reasoning_output)),
            capped(SUM(seen.audio_input)),
            capped(SUM(seen.audio_output)),
            capped(SUM(seen.image_input)),
            capped(SUM(seen.image_output)),
            capped(SUM(seen.web_search_calls)),
            capped(SUM(seen.cache_storage_token_seconds)),
            capped(SUM(seen.cost)), MAX(seen.last_at)
        FROM (SELECT usage_start(0, at) AS hour, tenant_id, key_id, provider, SUBSTR(model, 1, 200) AS model,
            SUBSTR(COALESCE(model_served, model), 1, 200) AS answered, SUBSTR(route, 1, 200) AS route, status,
            COUNT(*) AS requests, COUNT(*) FILTER (WHERE basis <> 'measured') AS not_measured,
            SUM(input) AS input,
            SUM(cached_input) AS cached_input,
            SUM(cache_write) AS cache_write,
            SUM(cache_write_1h) AS cache_write_1h,
            SUM(output) AS output,
            SUM(reasoning_output) AS reasoning_output,
            SUM(audio_input) AS audio_input,
            SUM(audio_output) AS audio_output,
            SUM(image_input) AS image_input,
            SUM(image_output) AS image_output,
            SUM(web_search_calls) AS web_search_calls,
            SUM(cache_storage_token_seconds) AS cache_storage_token_seconds,
            SUM(cost) AS cost, MAX(at) AS last_at
            FROM fresh GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS seen
        CROSS JOIN (VALUES (0::BIGINT), (1), (2), (3)) AS family (number)
        JOIN usage_series AS series ON series.family = family.number
            AND series.tenant_id = CASE family.number WHEN 0 THEN 0 ELSE seen.tenant_id END
            AND series.key_id = CASE family.number WHEN 2 THEN seen.key_id ELSE 0 END
            AND series.provider = CASE family.number WHEN 3 THEN '' ELSE seen.provider END
            AND series.model = CASE family.number WHEN 3 THEN '' ELSE seen.model END
            AND series.answered = CASE WHEN family.number >= 2 THEN '' ELSE seen.answered END
            AND series.route = CASE WHEN family.number >= 2 THEN '' ELSE seen.route END
            AND series.status = CASE WHEN family.number >= 2 THEN '' ELSE seen.status END
        CROSS JOIN (VALUES (0::BIGINT), (1), (2)) AS level (number)
        WHERE level.number > 0 OR family.number <> 2
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (series_family, level, start, series_id) DO UPDATE SET
            requests = usage_sum.requests + excluded.requests,
            not_measured = usage_sum.not_measured + excluded.not_measured,
            input = capped(usage_sum.input::NUMERIC + excluded.input),
            cached_input = capped(usage_sum.cached_input::NUMERIC + excluded.cached_input),
            cache_write = capped(usage_sum.cache_write::NUMERIC + excluded.cache_write),
            cache_write_1h = capped(usage_sum.cache_write_1h::NUMERIC + excluded.cache_write_1h),
            output = capped(usage_sum.output::NUMERIC + excluded.output),
            reasoning_output = capped(usage_sum.reasoning_output::NUMERIC + excluded.reasoning_output),
            audio_input = capped(usage_sum.audio_input::NUMERIC + excluded.audio_input),
            audio_output = capped(usage_sum.audio_output::NUMERIC + excluded.audio_output),
            image_input = capped(usage_sum.image_input::NUMERIC + excluded.image_input),
            image_output = capped(usage_sum.image_output::NUMERIC + excluded.image_output),
            web_search_calls = capped(usage_sum.web_search_calls::NUMERIC + excluded.web_search_calls),
            cache_storage_token_seconds = capped(usage_sum.cache_storage_token_seconds::NUMERIC
                + excluded.cache_storage_token_seconds),
            cost = capped(usage_sum.cost::NUMERIC + excluded.cost),
            last_at = GREATEST(usage_sum.last_at, excluded.last_at);
    INSERT INTO tagged_series (tenant_id, tags)
        SELECT DISTINCT fresh.tenant_id, fresh.tags FROM fresh
        WHERE fresh.tags IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tagged_series AS series
            WHERE series.tenant_id = fresh.tenant_id AND md5(series.tags) = md5(fresh.tags))
        ORDER BY 1, 2
        ON CONFLICT DO NOTHING;
    INSERT INTO tagged_sum (level, start, series_id, requests, cost)
        SELECT level.number, usage_start(level.number, fresh.at), series.id, COUNT(*), capped(SUM(fresh.cost))
        FROM fresh
        JOIN tagged_series AS series ON series.tenant_id = fresh.tenant_id AND md5(series.tags) = md5(fresh.tags)
        CROSS JOIN (VALUES (0::BIGINT), (1), (2)) AS level (number)
        GROUP BY 1, 2, 3 ORDER BY 3, 1, 2
        ON CONFLICT (series_id, level, start) DO UPDATE SET
            requests = tagged_sum.requests + excluded.requests,
            cost = capped(tagged_sum.cost::NUMERIC + excluded.cost);
    INSERT INTO session_sum (tenant_id, session_id, requests, cost)
        SELECT fresh.tenant_id, fresh.session, COUNT(*), capped(SUM(fresh.cost)) FROM fresh
        WHERE fresh.session IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (tenant_id, session_id) DO UPDATE SET
            requests = session_sum.requests + excluded.requests,
            cost = capped(session_sum.cost::NUMERIC + excluded.cost);
    RETURN NULL;
END
$$;
