-- Pages and budgets add up sums of hours, days and months instead of rows, and months of the ledger are tables of
-- their own. Triggers keep the sums and not statements, so that they count exactly the rows that were new, in their
-- transaction, and replicas of the version before this one keep them as well.

-- The start of the hour (0), day (1) or month (2) that an instant is in (UTC), within the years that calendars know.
-- One expression, so that it is computed in place and not called.
CREATE FUNCTION usage_start(level BIGINT, instant BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE level
        WHEN 0 THEN LEAST(GREATEST(instant, -62135596800000000), 253402300799999999)
            - (LEAST(GREATEST(instant, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
        WHEN 1 THEN LEAST(GREATEST(instant, -62135596800000000), 253402300799999999)
            - (LEAST(GREATEST(instant, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
        ELSE CAST(EXTRACT(EPOCH FROM DATE_TRUNC('month', CAST(DATE '1970-01-01' + CAST((LEAST(GREATEST(instant, -62135596800000000), 253402300799999999)
            - (LEAST(GREATEST(instant, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000)
            / 86400000000 AS INTEGER) AS TIMESTAMP))) AS BIGINT) * 1000000
    END
$$;
-- A provider may report any number of tokens: sums stop at the largest that they can be.
CREATE FUNCTION capped(amount NUMERIC) RETURNS BIGINT LANGUAGE sql IMMUTABLE AS $$
    SELECT CAST(LEAST(GREATEST(amount, -9223372036854775807), 9223372036854775807) AS BIGINT)
$$;

-- What requests have in common that are added up together: of all tenants (family 0), of a tenant (1), or of a key (2).
-- What a family does not tell apart is 0 or empty. Names are kept as far as an index takes them.
CREATE TABLE usage_series (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    family    BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    key_id    BIGINT NOT NULL,
    provider  TEXT   NOT NULL,
    model     TEXT   NOT NULL,
    answered  TEXT   NOT NULL,
    route     TEXT   NOT NULL,
    status    TEXT   NOT NULL,
    UNIQUE (family, tenant_id, key_id, provider, model, answered, route, status)
);
CREATE INDEX usage_series_key ON usage_series (key_id);

-- Keys have no hours.
CREATE TABLE usage_sum (
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
    PRIMARY KEY (level, start, series_id)
) WITH (fillfactor = 90);
CREATE INDEX usage_sum_series ON usage_sum (series_id, level, start);

-- The same for tags; `share` is what counts on the tag, rounded up for each row.
CREATE TABLE tag_series (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tag_id       BIGINT NOT NULL,
    is_inherited BIGINT NOT NULL,
    weight       BIGINT NOT NULL,
    provider     TEXT   NOT NULL,
    model        TEXT   NOT NULL,
    UNIQUE (tag_id, is_inherited, weight, provider, model)
);
CREATE TABLE tag_sum (
    level     BIGINT NOT NULL,
    start     BIGINT NOT NULL,
    series_id BIGINT NOT NULL,
    requests  BIGINT NOT NULL,
    cost      BIGINT NOT NULL,
    share     BIGINT NOT NULL,
    PRIMARY KEY (series_id, level, start)
) WITH (fillfactor = 90);

-- Requests by all of their tags, each counted once. The text may be longer than an index takes.
CREATE TABLE tagged_series (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    tags      TEXT   NOT NULL
);
CREATE UNIQUE INDEX tagged_series_tags ON tagged_series (tenant_id, md5(tags));
CREATE TABLE tagged_sum (
    level     BIGINT NOT NULL,
    start     BIGINT NOT NULL,
    series_id BIGINT NOT NULL,
    requests  BIGINT NOT NULL,
    cost      BIGINT NOT NULL,
    PRIMARY KEY (series_id, level, start)
) WITH (fillfactor = 90);

CREATE TABLE session_sum (
    tenant_id  BIGINT NOT NULL,
    session_id TEXT   NOT NULL,
    requests   BIGINT NOT NULL,
    cost       BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
) WITH (fillfactor = 90);
CREATE INDEX session_active ON session (tenant_id, last_active_at DESC, session_id);

-- Rows are added in the order of their keys: writers cannot wait for each other.
CREATE FUNCTION sum_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage_series (family, tenant_id, key_id, provider, model, answered, route, status)
        SELECT DISTINCT family.number, CASE family.number WHEN 0 THEN 0 ELSE seen.tenant_id END,
            CASE family.number WHEN 2 THEN seen.key_id ELSE 0 END, seen.provider, seen.model,
            CASE family.number WHEN 2 THEN '' ELSE seen.answered END,
            CASE family.number WHEN 2 THEN '' ELSE seen.route END,
            CASE family.number WHEN 2 THEN '' ELSE seen.status END
        FROM (SELECT DISTINCT tenant_id, key_id, provider, SUBSTR(model, 1, 200) AS model,
            SUBSTR(COALESCE(model_served, model), 1, 200) AS answered, SUBSTR(route, 1, 200) AS route, status
            FROM fresh) AS seen
        CROSS JOIN (VALUES (0::BIGINT), (1), (2)) AS family (number)
        WHERE NOT EXISTS (SELECT 1 FROM usage_series AS series WHERE series.family = family.number
            AND series.tenant_id = CASE family.number WHEN 0 THEN 0 ELSE seen.tenant_id END
            AND series.key_id = CASE family.number WHEN 2 THEN seen.key_id ELSE 0 END
            AND series.provider = seen.provider AND series.model = seen.model
            AND series.answered = CASE family.number WHEN 2 THEN '' ELSE seen.answered END
            AND series.route = CASE family.number WHEN 2 THEN '' ELSE seen.route END
            AND series.status = CASE family.number WHEN 2 THEN '' ELSE seen.status END)
        ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
        ON CONFLICT DO NOTHING;
    INSERT INTO usage_sum (level, start, series_id, requests, not_measured, input, cached_input, cache_write,
            cache_write_1h, output, reasoning_output, audio_input, audio_output, image_input, image_output,
            web_search_calls, cache_storage_token_seconds, cost, last_at)
        SELECT level.number, usage_start(level.number, seen.hour), series.id, CAST(SUM(seen.requests) AS BIGINT),
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
        CROSS JOIN (VALUES (0::BIGINT), (1), (2)) AS family (number)
        JOIN usage_series AS series ON series.family = family.number
            AND series.tenant_id = CASE family.number WHEN 0 THEN 0 ELSE seen.tenant_id END
            AND series.key_id = CASE family.number WHEN 2 THEN seen.key_id ELSE 0 END
            AND series.provider = seen.provider AND series.model = seen.model
            AND series.answered = CASE family.number WHEN 2 THEN '' ELSE seen.answered END
            AND series.route = CASE family.number WHEN 2 THEN '' ELSE seen.route END
            AND series.status = CASE family.number WHEN 2 THEN '' ELSE seen.status END
        CROSS JOIN (VALUES (0::BIGINT), (1), (2)) AS level (number)
        WHERE level.number > 0 OR family.number < 2
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (level, start, series_id) DO UPDATE SET
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
CREATE FUNCTION sum_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tag_series (tag_id, is_inherited, weight, provider, model)
        SELECT DISTINCT fresh.tag_id, fresh.is_inherited, fresh.weight, charge.provider, SUBSTR(charge.model, 1, 200)
        FROM fresh
        JOIN usage_ledger AS charge ON charge.request_id = fresh.request_id AND charge.at = fresh.at
        WHERE NOT EXISTS (SELECT 1 FROM tag_series AS series
            WHERE series.tag_id = fresh.tag_id AND series.is_inherited = fresh.is_inherited
            AND series.weight = fresh.weight AND series.provider = charge.provider
            AND series.model = SUBSTR(charge.model, 1, 200))
        ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT DO NOTHING;
    INSERT INTO tag_sum (level, start, series_id, requests, cost, share)
        SELECT level.number, usage_start(level.number, fresh.at), series.id, COUNT(*), capped(SUM(fresh.cost)),
            capped(SUM(fresh.cost / 1000000 * fresh.weight::NUMERIC
                + (fresh.cost % 1000000 * fresh.weight + 999999) / 1000000))
        FROM fresh
        JOIN usage_ledger AS charge ON charge.request_id = fresh.request_id AND charge.at = fresh.at
        JOIN tag_series AS series ON series.tag_id = fresh.tag_id AND series.is_inherited = fresh.is_inherited
            AND series.weight = fresh.weight AND series.provider = charge.provider
            AND series.model = SUBSTR(charge.model, 1, 200)
        CROSS JOIN (VALUES (0::BIGINT), (1), (2)) AS level (number)
        GROUP BY 1, 2, 3 ORDER BY 3, 1, 2
        ON CONFLICT (series_id, level, start) DO UPDATE SET
            requests = tag_sum.requests + excluded.requests,
            cost = capped(tag_sum.cost::NUMERIC + excluded.cost),
            share = capped(tag_sum.share::NUMERIC + excluded.share);
    RETURN NULL;
END
$$;

-- Makes the partition of the month that begins at an instant, of one table; false when it is there already, or when
-- rows of that month are in the default partition and stand in its way. Nothing is locked that is read.
CREATE FUNCTION make_month(parent TEXT, first BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
DECLARE
    month TEXT := parent || to_char(TIMESTAMP '1970-01-01' + first * INTERVAL '1 microsecond', '"_"YYYY"_"MM');
BEGIN
    IF EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = month) THEN
        RETURN FALSE;
    END IF;
    -- Many processes may want the same one.
    PERFORM pg_advisory_xact_lock(7090771231041647460);
    IF EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = month) THEN
        RETURN FALSE;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', month, parent);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        parent, month, first, usage_start(2, first + 32 * 86400000000));
    -- Row triggers are inherited by partitions, statement triggers are not.
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
        parent || '_truncate', month);
    RETURN TRUE;
EXCEPTION WHEN check_violation THEN
    RAISE WARNING 'rows of % are in the default partition, where they stay', month;
    RETURN FALSE;
END
$$;
-- Makes what is missing of some months, from the one that an instant is in, and tells how many tables were made.
CREATE FUNCTION make_months(instant BIGINT, months BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    first BIGINT := usage_start(2, instant);
    made BIGINT := 0;
BEGIN
    WHILE months > 0 LOOP
        made := made + make_month('usage_ledger', first)::INTEGER + make_month('usage_tag', first)::INTEGER;
        first := usage_start(2, first + 32 * 86400000000);
        months := months - 1;
    END LOOP;
    RETURN made;
END
$$;

-- What was the default partition becomes an ordinary table, without the triggers of the ledger, and is copied month
-- by month. Nobody else sees it meanwhile.
ALTER TABLE usage_ledger DETACH PARTITION usage_ledger_default;
ALTER TABLE usage_ledger_default RENAME TO usage_ledger_before;
CREATE TABLE usage_ledger_default PARTITION OF usage_ledger DEFAULT;
CREATE TRIGGER usage_ledger_truncate BEFORE TRUNCATE ON usage_ledger_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE INDEX usage_ledger_at ON usage_ledger (at);
CREATE TRIGGER usage_ledger_sum AFTER INSERT ON usage_ledger
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION sum_usage();

ALTER TABLE usage_tag RENAME TO usage_tag_before;
ALTER INDEX usage_tag_pkey RENAME TO usage_tag_before_pkey;
ALTER INDEX usage_tag_tag RENAME TO usage_tag_before_tag;
CREATE TABLE usage_tag (
    request_id   BYTEA  NOT NULL,
    tag_id       BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    weight       BIGINT NOT NULL,
    is_inherited BIGINT NOT NULL,
    cost         BIGINT NOT NULL,
    PRIMARY KEY (request_id, tag_id, at)
) PARTITION BY RANGE (at);
CREATE TABLE usage_tag_default PARTITION OF usage_tag DEFAULT;
CREATE INDEX usage_tag_tag ON usage_tag (tag_id, at) INCLUDE (weight, cost);
CREATE TRIGGER usage_tag_rows BEFORE UPDATE OR DELETE ON usage_tag
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_tag_truncate BEFORE TRUNCATE ON usage_tag
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_tag_truncate BEFORE TRUNCATE ON usage_tag_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER usage_tag_sum AFTER INSERT ON usage_tag
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION sum_tags();

DO $$
DECLARE
    first BIGINT;
    earliest BIGINT;
    latest BIGINT;
BEGIN
    FOR first IN SELECT DISTINCT usage_start(2, at) FROM usage_ledger_before ORDER BY 1 LOOP
        -- The first and the last month also take what is before and after all years that calendars know.
        earliest := CASE first WHEN -62135596800000000 THEN -9223372036854775808 ELSE first END;
        latest := CASE first WHEN 253399622400000000 THEN 9223372036854775807
            ELSE usage_start(2, first + 32 * 86400000000) - 1 END;
        -- Clocks that were not set yet are no reason for a partition: from 2020 to 2100.
        IF first >= 1577836800000000 AND first < 4102444800000000 THEN
            PERFORM make_months(first, 1);
        END IF;
        INSERT INTO usage_ledger SELECT * FROM usage_ledger_before WHERE at BETWEEN earliest AND latest;
        INSERT INTO usage_tag SELECT * FROM usage_tag_before WHERE at BETWEEN earliest AND latest;
    END LOOP;
END
$$;
DROP TABLE usage_ledger_before;
DROP TABLE usage_tag_before;
