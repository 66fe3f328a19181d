-- Pages and budgets add up sums of hours, days and months instead of rows. Triggers keep the sums and not statements,
-- so that they count exactly the rows that were new, in their transaction, and a process of the version before this
-- one keeps them as well. Levels are hours (0), days (1) and months (2) in UTC, within the years that calendars know;
-- a provider may report any number of tokens, so sums stop at the largest that they can be.

-- What requests have in common that are added up together: of all tenants (family 0), of a tenant (1), or of a key (2).
-- What a family does not tell apart is 0 or empty.
CREATE TABLE usage_series (
    id        INTEGER PRIMARY KEY,
    family    INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    key_id    INTEGER NOT NULL,
    provider  TEXT    NOT NULL,
    model     TEXT    NOT NULL,
    answered  TEXT    NOT NULL,
    route     TEXT    NOT NULL,
    status    TEXT    NOT NULL,
    UNIQUE (family, tenant_id, key_id, provider, model, answered, route, status)
) STRICT;
CREATE INDEX usage_series_key ON usage_series (key_id);

-- Keys have no hours.
CREATE TABLE usage_sum (
    level                       INTEGER NOT NULL,
    start                       INTEGER NOT NULL,
    series_id                   INTEGER NOT NULL,
    requests                    INTEGER NOT NULL,
    not_measured                INTEGER NOT NULL,
    input                       INTEGER NOT NULL,
    cached_input                INTEGER NOT NULL,
    cache_write                 INTEGER NOT NULL,
    cache_write_1h              INTEGER NOT NULL,
    output                      INTEGER NOT NULL,
    reasoning_output            INTEGER NOT NULL,
    audio_input                 INTEGER NOT NULL,
    audio_output                INTEGER NOT NULL,
    image_input                 INTEGER NOT NULL,
    image_output                INTEGER NOT NULL,
    web_search_calls            INTEGER NOT NULL,
    cache_storage_token_seconds INTEGER NOT NULL,
    cost                        INTEGER NOT NULL,
    last_at                     INTEGER NOT NULL,
    PRIMARY KEY (level, start, series_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_sum_series ON usage_sum (series_id, level, start);

-- The same for tags; `share` is what counts on the tag, rounded up for each row.
CREATE TABLE tag_series (
    id           INTEGER PRIMARY KEY,
    tag_id       INTEGER NOT NULL,
    is_inherited INTEGER NOT NULL,
    weight       INTEGER NOT NULL,
    provider     TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    UNIQUE (tag_id, is_inherited, weight, provider, model)
) STRICT;
CREATE TABLE tag_sum (
    level     INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    requests  INTEGER NOT NULL,
    cost      INTEGER NOT NULL,
    share     INTEGER NOT NULL,
    PRIMARY KEY (series_id, level, start)
) STRICT, WITHOUT ROWID;

-- Requests by all of their tags, each counted once.
CREATE TABLE tagged_series (
    id        INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    tags      TEXT    NOT NULL,
    UNIQUE (tenant_id, tags)
) STRICT;
CREATE TABLE tagged_sum (
    level     INTEGER NOT NULL,
    start     INTEGER NOT NULL,
    series_id INTEGER NOT NULL,
    requests  INTEGER NOT NULL,
    cost      INTEGER NOT NULL,
    PRIMARY KEY (series_id, level, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_sum (
    tenant_id  INTEGER NOT NULL,
    session_id TEXT    NOT NULL,
    requests   INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_active ON session (tenant_id, last_active_at DESC, session_id);
CREATE INDEX usage_ledger_at ON usage_ledger (at);

-- What the ledger has already. No request used a quadrillion tokens: whatever says so must not make a sum impossible.
INSERT INTO usage_series (family, tenant_id, key_id, provider, model, answered, route, status)
    SELECT DISTINCT family, CASE family WHEN 0 THEN 0 ELSE charge.tenant_id END, CASE family WHEN 2 THEN charge.key_id ELSE 0 END,
            charge.provider, SUBSTR(charge.model, 1, 200),
            CASE family WHEN 2 THEN '' ELSE SUBSTR(COALESCE(charge.model_served, charge.model), 1, 200) END,
            CASE family WHEN 2 THEN '' ELSE SUBSTR(charge.route, 1, 200) END, CASE family WHEN 2 THEN '' ELSE charge.status END
    FROM usage_ledger AS charge CROSS JOIN (SELECT 0 AS family UNION ALL SELECT 1 UNION ALL SELECT 2);
INSERT INTO usage_sum (level, start, series_id, requests, not_measured, input, cached_input, cache_write, cache_write_1h, output,
        reasoning_output, audio_input, audio_output, image_input, image_output, web_search_calls,
        cache_storage_token_seconds, cost, last_at)
    SELECT number, CASE number
            WHEN 0 THEN MIN(MAX(charge.at, -62135596800000000), 253402300799999999) - (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
            WHEN 1 THEN MIN(MAX(charge.at, -62135596800000000), 253402300799999999) - (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) - (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END AS start,
        series.id, COUNT(*), SUM(charge.basis <> 'measured'),
        SUM(MIN(charge.input, 1000000000000000)),
        SUM(MIN(charge.cached_input, 1000000000000000)),
        SUM(MIN(charge.cache_write, 1000000000000000)),
        SUM(MIN(charge.cache_write_1h, 1000000000000000)),
        SUM(MIN(charge.output, 1000000000000000)),
        SUM(MIN(charge.reasoning_output, 1000000000000000)),
        SUM(MIN(charge.audio_input, 1000000000000000)),
        SUM(MIN(charge.audio_output, 1000000000000000)),
        SUM(MIN(charge.image_input, 1000000000000000)),
        SUM(MIN(charge.image_output, 1000000000000000)),
        SUM(MIN(charge.web_search_calls, 1000000000000000)),
        SUM(MIN(charge.cache_storage_token_seconds, 1000000000000000)),
        SUM(charge.cost), MAX(charge.at)
    FROM usage_ledger AS charge
    CROSS JOIN (SELECT 0 AS family, 0 AS number UNION ALL SELECT 0, 1 UNION ALL SELECT 0, 2 UNION ALL SELECT 1, 0
            UNION ALL SELECT 1, 1 UNION ALL SELECT 1, 2 UNION ALL SELECT 2, 1 UNION ALL SELECT 2, 2) AS part
    JOIN usage_series AS series ON series.family = part.family
            AND series.tenant_id = CASE part.family WHEN 0 THEN 0 ELSE charge.tenant_id END
            AND series.key_id = CASE part.family WHEN 2 THEN charge.key_id ELSE 0 END
            AND series.provider = charge.provider AND series.model = SUBSTR(charge.model, 1, 200)
            AND series.answered = CASE part.family WHEN 2 THEN '' ELSE SUBSTR(COALESCE(charge.model_served, charge.model), 1, 200) END
            AND series.route = CASE part.family WHEN 2 THEN '' ELSE SUBSTR(charge.route, 1, 200) END
            AND series.status = CASE part.family WHEN 2 THEN '' ELSE charge.status END
    GROUP BY 1, 2, 3;
INSERT INTO tagged_series (tenant_id, tags)
    SELECT DISTINCT tenant_id, tags FROM usage_ledger WHERE tags IS NOT NULL;
INSERT INTO tagged_sum (level, start, series_id, requests, cost)
    SELECT number, CASE number
            WHEN 0 THEN MIN(MAX(charge.at, -62135596800000000), 253402300799999999) - (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
            WHEN 1 THEN MIN(MAX(charge.at, -62135596800000000), 253402300799999999) - (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) - (MIN(MAX(charge.at, -62135596800000000), 253402300799999999) % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END AS start,
        series.id, COUNT(*), SUM(charge.cost)
    FROM usage_ledger AS charge
    JOIN tagged_series AS series ON series.tenant_id = charge.tenant_id AND series.tags = charge.tags
    CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1 UNION ALL SELECT 2) AS level GROUP BY 1, 2, 3;
INSERT INTO session_sum (tenant_id, session_id, requests, cost)
    SELECT tenant_id, session, COUNT(*), SUM(cost) FROM usage_ledger WHERE session IS NOT NULL GROUP BY 1, 2;
INSERT INTO tag_series (tag_id, is_inherited, weight, provider, model)
    SELECT DISTINCT counted.tag_id, counted.is_inherited, counted.weight, charge.provider, SUBSTR(charge.model, 1, 200)
    FROM usage_tag AS counted JOIN usage_ledger AS charge ON charge.request_id = counted.request_id;
INSERT INTO tag_sum (level, start, series_id, requests, cost, share)
    SELECT number, CASE number
            WHEN 0 THEN MIN(MAX(counted.at, -62135596800000000), 253402300799999999) - (MIN(MAX(counted.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
            WHEN 1 THEN MIN(MAX(counted.at, -62135596800000000), 253402300799999999) - (MIN(MAX(counted.at, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', (MIN(MAX(counted.at, -62135596800000000), 253402300799999999) - (MIN(MAX(counted.at, -62135596800000000), 253402300799999999) % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END AS start,
        series.id, COUNT(*), SUM(counted.cost), SUM(counted.cost / 1000000 * counted.weight
            + (counted.cost % 1000000 * counted.weight + 999999) / 1000000)
    FROM usage_tag AS counted
    JOIN usage_ledger AS charge ON charge.request_id = counted.request_id
    JOIN tag_series AS series ON series.tag_id = counted.tag_id AND series.is_inherited = counted.is_inherited
        AND series.weight = counted.weight AND series.provider = charge.provider
        AND series.model = SUBSTR(charge.model, 1, 200)
    CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1 UNION ALL SELECT 2) AS level GROUP BY 1, 2, 3;

CREATE TRIGGER usage_ledger_sum AFTER INSERT ON usage_ledger BEGIN
    INSERT INTO usage_series (family, tenant_id, key_id, provider, model, answered, route, status)
        SELECT family, CASE family WHEN 0 THEN 0 ELSE NEW.tenant_id END, CASE family WHEN 2 THEN NEW.key_id ELSE 0 END,
            NEW.provider, SUBSTR(NEW.model, 1, 200),
            CASE family WHEN 2 THEN '' ELSE SUBSTR(COALESCE(NEW.model_served, NEW.model), 1, 200) END,
            CASE family WHEN 2 THEN '' ELSE SUBSTR(NEW.route, 1, 200) END, CASE family WHEN 2 THEN '' ELSE NEW.status END
        FROM (SELECT 0 AS family UNION ALL SELECT 1 UNION ALL SELECT 2) WHERE true
        ON CONFLICT DO NOTHING;
    INSERT INTO usage_sum (level, start, series_id, requests, not_measured, input, cached_input, cache_write, cache_write_1h, output,
            reasoning_output, audio_input, audio_output, image_input, image_output, web_search_calls,
            cache_storage_token_seconds, cost, last_at)
        SELECT number, CASE number
            WHEN 0 THEN MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
            WHEN 1 THEN MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END,
            series.id, 1, NEW.basis <> 'measured', NEW.input, NEW.cached_input, NEW.cache_write, NEW.cache_write_1h, NEW.output, NEW.reasoning_output, NEW.audio_input, NEW.audio_output, NEW.image_input, NEW.image_output, NEW.web_search_calls, NEW.cache_storage_token_seconds,
            NEW.cost, NEW.at
        FROM (SELECT 0 AS family, 0 AS number UNION ALL SELECT 0, 1 UNION ALL SELECT 0, 2 UNION ALL SELECT 1, 0
            UNION ALL SELECT 1, 1 UNION ALL SELECT 1, 2 UNION ALL SELECT 2, 1 UNION ALL SELECT 2, 2) AS part
        CROSS JOIN usage_series AS series WHERE series.family = part.family
            AND series.tenant_id = CASE part.family WHEN 0 THEN 0 ELSE NEW.tenant_id END
            AND series.key_id = CASE part.family WHEN 2 THEN NEW.key_id ELSE 0 END
            AND series.provider = NEW.provider AND series.model = SUBSTR(NEW.model, 1, 200)
            AND series.answered = CASE part.family WHEN 2 THEN '' ELSE SUBSTR(COALESCE(NEW.model_served, NEW.model), 1, 200) END
            AND series.route = CASE part.family WHEN 2 THEN '' ELSE SUBSTR(NEW.route, 1, 200) END
            AND series.status = CASE part.family WHEN 2 THEN '' ELSE NEW.status END
        ON CONFLICT (level, start, series_id) DO UPDATE SET
            requests = usage_sum.requests + excluded.requests,
            not_measured = usage_sum.not_measured + excluded.not_measured,
            input = MIN(usage_sum.input, 9223372036854775807 - excluded.input) + excluded.input,
            cached_input = MIN(usage_sum.cached_input, 9223372036854775807 - excluded.cached_input) + excluded.cached_input,
            cache_write = MIN(usage_sum.cache_write, 9223372036854775807 - excluded.cache_write) + excluded.cache_write,
            cache_write_1h = MIN(usage_sum.cache_write_1h, 9223372036854775807 - excluded.cache_write_1h) + excluded.cache_write_1h,
            output = MIN(usage_sum.output, 9223372036854775807 - excluded.output) + excluded.output,
            reasoning_output = MIN(usage_sum.reasoning_output, 9223372036854775807 - excluded.reasoning_output) + excluded.reasoning_output,
            audio_input = MIN(usage_sum.audio_input, 9223372036854775807 - excluded.audio_input) + excluded.audio_input,
            audio_output = MIN(usage_sum.audio_output, 9223372036854775807 - excluded.audio_output) + excluded.audio_output,
            image_input = MIN(usage_sum.image_input, 9223372036854775807 - excluded.image_input) + excluded.image_input,
            image_output = MIN(usage_sum.image_output, 9223372036854775807 - excluded.image_output) + excluded.image_output,
            web_search_calls = MIN(usage_sum.web_search_calls, 9223372036854775807 - excluded.web_search_calls) + excluded.web_search_calls,
            cache_storage_token_seconds = MIN(usage_sum.cache_storage_token_seconds, 9223372036854775807 - excluded.cache_storage_token_seconds) + excluded.cache_storage_token_seconds,
            cost = MIN(usage_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost,
            last_at = MAX(usage_sum.last_at, excluded.last_at);
    INSERT INTO tagged_series (tenant_id, tags)
        SELECT NEW.tenant_id, NEW.tags WHERE NEW.tags IS NOT NULL
        ON CONFLICT DO NOTHING;
    INSERT INTO tagged_sum (level, start, series_id, requests, cost)
        SELECT number, CASE number
            WHEN 0 THEN MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
            WHEN 1 THEN MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END,
            series.id, 1, NEW.cost
        FROM tagged_series AS series CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1 UNION ALL SELECT 2) AS level
        WHERE tenant_id = NEW.tenant_id AND tags = NEW.tags
        ON CONFLICT (series_id, level, start) DO UPDATE SET
            requests = tagged_sum.requests + excluded.requests,
            cost = MIN(tagged_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost;
    INSERT INTO session_sum (tenant_id, session_id, requests, cost)
        SELECT NEW.tenant_id, NEW.session, 1, NEW.cost WHERE NEW.session IS NOT NULL
        ON CONFLICT (tenant_id, session_id) DO UPDATE SET
            requests = session_sum.requests + excluded.requests,
            cost = MIN(session_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost;
END;
CREATE TRIGGER usage_tag_sum AFTER INSERT ON usage_tag BEGIN
    INSERT INTO tag_series (tag_id, is_inherited, weight, provider, model)
        SELECT NEW.tag_id, NEW.is_inherited, NEW.weight, provider, SUBSTR(model, 1, 200)
        FROM usage_ledger WHERE request_id = NEW.request_id
        ON CONFLICT DO NOTHING;
    INSERT INTO tag_sum (level, start, series_id, requests, cost, share)
        SELECT number, CASE number
            WHEN 0 THEN MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000
            WHEN 1 THEN MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) - (MIN(MAX(NEW.at, -62135596800000000), 253402300799999999) % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END,
            series.id, 1, NEW.cost,
            CASE WHEN NEW.weight > 0 AND NEW.cost / 1000000 >= 9223372036854775807 / NEW.weight THEN 9223372036854775807
            ELSE NEW.cost / 1000000 * NEW.weight + (NEW.cost % 1000000 * NEW.weight + 999999) / 1000000 END
        FROM usage_ledger AS charge
        CROSS JOIN tag_series AS series ON series.tag_id = NEW.tag_id AND series.is_inherited = NEW.is_inherited
            AND series.weight = NEW.weight AND series.provider = charge.provider
            AND series.model = SUBSTR(charge.model, 1, 200)
        CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1 UNION ALL SELECT 2) AS level
        WHERE charge.request_id = NEW.request_id
        ON CONFLICT (series_id, level, start) DO UPDATE SET
            requests = tag_sum.requests + excluded.requests,
            cost = MIN(tag_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost,
            share = MIN(tag_sum.share, 9223372036854775807 - excluded.share) + excluded.share;
END;
