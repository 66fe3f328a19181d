-- Reading a batch's rows again to sort and add them up was a quarter of what writing them took. A writer of this version
-- puts what it adds up itself into usage_batch, in the transaction of the rows, and the trigger adds them up where nobody
-- did: a process of the version before this one.
DROP TRIGGER ledger_writer_sum;
CREATE TRIGGER ledger_writer_sum AFTER UPDATE OF seq ON ledger_writer WHEN NEW.seq > OLD.summed BEGIN
    INSERT INTO usage_batch (tenant_id, key_id, provider, model, answered, route, status, tags, session, hour, alone,
            requests, not_measured, input, cached_input, cache_write, cache_write_1h, output, reasoning_output,
            audio_input, audio_output, image_input, image_output, web_search_calls, cache_storage_token_seconds,
            cost, last_at)
        SELECT tenant_id, key_id, provider, SUBSTR(model, 1, 200), SUBSTR(COALESCE(model_served, model), 1, 200),
            SUBSTR(route, 1, 200), status, tags, session,
            MIN(MAX(at, -62135596800000000), 253402300799999999) - (MIN(MAX(at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000,
            CASE WHEN MAX(charge.input, charge.cached_input, charge.cache_write, charge.cache_write_1h, charge.output, charge.reasoning_output, charge.audio_input, charge.audio_output, charge.image_input, charge.image_output, charge.web_search_calls, charge.cache_storage_token_seconds, charge.cost) < 100000000000000 THEN 0 ELSE charge.seq END,
            COUNT(*), SUM(basis <> 'measured'),
            SUM(input), SUM(cached_input), SUM(cache_write), SUM(cache_write_1h), SUM(output), SUM(reasoning_output),
            SUM(audio_input), SUM(audio_output), SUM(image_input), SUM(image_output), SUM(web_search_calls),
            SUM(cache_storage_token_seconds), SUM(cost), MAX(at)
        FROM usage_ledger AS charge WHERE NOT EXISTS (SELECT 1 FROM usage_batch)
            AND charge.writer = NEW.id AND charge.seq > OLD.summed AND charge.seq <= NEW.seq
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11;
    INSERT INTO usage_series (family, tenant_id, key_id, provider, model, answered, route, status)
        SELECT DISTINCT family, CASE family WHEN 0 THEN 0 ELSE tenant_id END, CASE family WHEN 2 THEN key_id ELSE 0 END,
            CASE family WHEN 3 THEN '' ELSE provider END, CASE family WHEN 3 THEN '' ELSE model END,
            CASE WHEN family >= 2 THEN '' ELSE answered END, CASE WHEN family >= 2 THEN '' ELSE route END,
            CASE WHEN family >= 2 THEN '' ELSE status END
        FROM (SELECT DISTINCT tenant_id, key_id, provider, model, answered, route, status FROM usage_batch)
        CROSS JOIN (SELECT 0 AS family UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) WHERE true
        ON CONFLICT DO NOTHING;
    INSERT INTO usage_sum (series_family, level, start, series_id,
            requests, not_measured, input, cached_input, cache_write, cache_write_1h, output, reasoning_output,
            audio_input, audio_output, image_input, image_output, web_search_calls, cache_storage_token_seconds,
            cost, last_at)
        SELECT part.family, number, CASE number
            WHEN 0 THEN hour
            WHEN 1 THEN hour - (hour % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', hour / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END,
            series.id,
            charge.requests, charge.not_measured, charge.input, charge.cached_input, charge.cache_write,
            charge.cache_write_1h, charge.output, charge.reasoning_output, charge.audio_input, charge.audio_output,
            charge.image_input, charge.image_output, charge.web_search_calls, charge.cache_storage_token_seconds,
            charge.cost, charge.last_at
        FROM (SELECT tenant_id, key_id, provider, model, answered, route, status, hour,
                SUM(requests) AS requests, SUM(not_measured) AS not_measured, SUM(input) AS input,
                SUM(cached_input) AS cached_input, SUM(cache_write) AS cache_write,
                SUM(cache_write_1h) AS cache_write_1h, SUM(output) AS output,
                SUM(reasoning_output) AS reasoning_output, SUM(audio_input) AS audio_input,
                SUM(audio_output) AS audio_output, SUM(image_input) AS image_input,
                SUM(image_output) AS image_output, SUM(web_search_calls) AS web_search_calls,
                SUM(cache_storage_token_seconds) AS cache_storage_token_seconds, SUM(cost) AS cost,
                MAX(last_at) AS last_at
            FROM usage_batch GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, alone) AS charge
        CROSS JOIN (SELECT 0 AS family, 0 AS number UNION ALL SELECT 0, 1 UNION ALL SELECT 0, 2 UNION ALL SELECT 1, 0
            UNION ALL SELECT 1, 1 UNION ALL SELECT 1, 2 UNION ALL SELECT 2, 1 UNION ALL SELECT 2, 2
            UNION ALL SELECT 3, 0 UNION ALL SELECT 3, 1 UNION ALL SELECT 3, 2) AS part
        CROSS JOIN usage_series AS series WHERE series.family = part.family
            AND series.tenant_id = CASE part.family WHEN 0 THEN 0 ELSE charge.tenant_id END
            AND series.key_id = CASE part.family WHEN 2 THEN charge.key_id ELSE 0 END
            AND series.provider = CASE part.family WHEN 3 THEN '' ELSE charge.provider END
            AND series.model = CASE part.family WHEN 3 THEN '' ELSE charge.model END
            AND series.answered = CASE WHEN part.family >= 2 THEN '' ELSE charge.answered END
            AND series.route = CASE WHEN part.family >= 2 THEN '' ELSE charge.route END
            AND series.status = CASE WHEN part.family >= 2 THEN '' ELSE charge.status END
        ON CONFLICT (series_family, level, start, series_id) DO UPDATE SET
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
        SELECT DISTINCT tenant_id, tags FROM usage_batch WHERE tags IS NOT NULL
        ON CONFLICT DO NOTHING;
    INSERT INTO tagged_sum (level, start, series_id, requests, cost)
        SELECT number, CASE number
            WHEN 0 THEN hour
            WHEN 1 THEN hour - (hour % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', hour / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END,
            series.id, charge.requests, charge.cost
        FROM (SELECT tenant_id, tags, hour, SUM(requests) AS requests, SUM(cost) AS cost
            FROM usage_batch WHERE tags IS NOT NULL GROUP BY 1, 2, 3, alone) AS charge
        CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1 UNION ALL SELECT 2)
        CROSS JOIN tagged_series AS series WHERE series.tenant_id = charge.tenant_id AND series.tags = charge.tags
        ON CONFLICT (series_id, level, start) DO UPDATE SET
            requests = tagged_sum.requests + excluded.requests,
            cost = MIN(tagged_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost;
    INSERT INTO session_sum (tenant_id, session_id, requests, cost)
        SELECT tenant_id, session, SUM(requests), SUM(cost)
        FROM usage_batch WHERE session IS NOT NULL GROUP BY tenant_id, session, alone
        ON CONFLICT (tenant_id, session_id) DO UPDATE SET
            requests = session_sum.requests + excluded.requests,
            cost = MIN(session_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost;
    INSERT INTO tag_series (tag_id, is_inherited, weight, provider, model)
        SELECT DISTINCT counted.tag_id, counted.is_inherited, counted.weight, charge.provider, SUBSTR(charge.model, 1, 200)
        FROM usage_ledger AS charge CROSS JOIN usage_tag AS counted
        WHERE EXISTS (SELECT 1 FROM usage_batch WHERE tags IS NOT NULL)
            AND charge.writer = NEW.id AND charge.seq > OLD.summed AND charge.seq <= NEW.seq AND charge.tags IS NOT NULL AND counted.request_id = charge.request_id
        ON CONFLICT DO NOTHING;
    INSERT INTO tag_sum (level, start, series_id, requests, cost, share)
        SELECT number, CASE number
            WHEN 0 THEN hour
            WHEN 1 THEN hour - (hour % 86400000000 + 86400000000) % 86400000000
            ELSE CAST(STRFTIME('%s', hour / 1000000, 'unixepoch', 'start of month') AS INTEGER) * 1000000
        END,
            series.id, charge.requests, charge.cost, charge.share
        FROM (SELECT counted.tag_id, counted.is_inherited, counted.weight, charge.provider, SUBSTR(charge.model, 1, 200) AS model,
                MIN(MAX(counted.at, -62135596800000000), 253402300799999999) - (MIN(MAX(counted.at, -62135596800000000), 253402300799999999) % 3600000000 + 3600000000) % 3600000000 AS hour,
                CASE WHEN counted.cost < 100000000000000 THEN 0 ELSE charge.seq END AS alone,
                COUNT(*) AS requests, SUM(counted.cost) AS cost,
                SUM(CASE WHEN counted.weight > 0 AND counted.cost / 1000000 >= 9223372036854775807 / counted.weight THEN 9223372036854775807
                    ELSE counted.cost / 1000000 * counted.weight
                        + (counted.cost % 1000000 * counted.weight + 999999) / 1000000 END) AS share
            FROM usage_ledger AS charge CROSS JOIN usage_tag AS counted
            WHERE EXISTS (SELECT 1 FROM usage_batch WHERE tags IS NOT NULL)
            AND charge.writer = NEW.id AND charge.seq > OLD.summed AND charge.seq <= NEW.seq AND charge.tags IS NOT NULL AND counted.request_id = charge.request_id
            GROUP BY 1, 2, 3, 4, 5, 6, 7) AS charge
        CROSS JOIN (SELECT 0 AS number UNION ALL SELECT 1 UNION ALL SELECT 2)
        CROSS JOIN tag_series AS series WHERE series.tag_id = charge.tag_id AND series.is_inherited = charge.is_inherited
            AND series.weight = charge.weight AND series.provider = charge.provider AND series.model = charge.model
        ON CONFLICT (series_id, level, start) DO UPDATE SET
            requests = tag_sum.requests + excluded.requests,
            cost = MIN(tag_sum.cost, 9223372036854775807 - excluded.cost) + excluded.cost,
            share = MIN(tag_sum.share, 9223372036854775807 - excluded.share) + excluded.share;
    DELETE FROM usage_batch;
    UPDATE ledger_writer SET summed = NEW.seq WHERE id = NEW.id;
END;
