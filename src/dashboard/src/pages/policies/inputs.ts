import type { Schemas } from '~/api/client';
import type { Tenant } from '~/shell/place';

export type RecordedRow = Schemas['PageBody_RowBody']['data'][number];

/** What a policy is told about a request, as far as the ledger has it. */
export type PolicyInput = Record<string, unknown>;

/** The clock on the tenant's wall when a request came. */
function clockOf(at: string, timeZone: string): Record<string, unknown> {
    const format = new Intl.DateTimeFormat('en-GB', {
        timeZone,
        weekday: 'long',
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
    });
    const parts = format.formatToParts(new Date(at));
    const part = (type: Intl.DateTimeFormatPartTypes) =>
        parts.find((one) => one.type === type)?.value ?? '';
    return {
        time: Number(part('hour')),
        minute: Number(part('minute')),
        weekday: part('weekday').toLowerCase(),
        date: `${part('year')}-${part('month')}-${part('day')}`,
    };
}

/** A request's own tags, and those that they stand under. */
function tagsOf(row: RecordedRow): { name: string; path: string; inherited: boolean }[] {
    const own = new Set(row.tags.flatMap(({ path }) => (path === null ? [] : [path])));
    const all = new Set(own);
    for (const path of own) {
        const names = path.split('/');
        for (let length = 1; length < names.length; length += 1) {
            all.add(names.slice(0, length).join('/'));
        }
    }
    return [...all].map((path) => ({
        name: path.slice(path.lastIndexOf('/') + 1),
        path,
        inherited: !own.has(path),
    }));
}

/**
 * What a policy would be told about a recorded request. What was held stands for what it was likely to
 * cost and for the most, as in a what-if; the figures of budgets of then are not recorded.
 */
export function inputOf(
    row: RecordedRow,
    tenant: Tenant,
    keyNames: ReadonlyMap<number, string>,
): PolicyInput {
    const timeZone = tenant.timeZone ?? 'UTC';
    const asked = row.modelAsked ?? row.model;
    const held = Number(row.heldUsd);
    return {
        tenant: row.tenant,
        key: row.apiKeyId,
        key_name: keyNames.get(row.apiKeyId) ?? '',
        route: row.route,
        // What a policy chose is not what it was asked about.
        model: row.policy?.model === null || row.policy === null ? row.model : asked,
        model_asked: asked,
        provider: row.provider,
        streamed: row.streamed,
        tags: tagsOf(row),
        ...(row.sessionId !== null && { session: row.sessionId }),
        estimate: held,
        worst_case: held,
        budgets: [],
        ...clockOf(row.ts, timeZone),
        time_zone: timeZone,
        instant: row.ts,
    };
}
