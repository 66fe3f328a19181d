import type { paths } from '~/api/schema';

type Query = NonNullable<paths['/admin/usage/ledger']['get']['parameters']['query']>;
export type Status = NonNullable<Query['status']>;

export const STATUSES: Status[] = ['success', 'blocked', 'failed', 'aborted', 'interrupted'];
export const PAGE_ROWS = [25, 50, 100];
const PAGE_ROWS_DEFAULT = 25;

/** The filters that are texts in the address, by the names that the API has for them. */
export const TEXT_FILTERS = ['model', 'provider', 'route', 'keyId', 'minCost', 'maxCost'] as const;

/** What every filter of the page is in the address. */
const FILTERS = [...TEXT_FILTERS, 'status'];

export interface LedgerView {
    filters: Pick<
        Query,
        'model' | 'provider' | 'route' | 'keyId' | 'minCost' | 'maxCost' | 'status'
    >;
    sort: 'at' | 'cost';
    order: 'asc' | 'desc';
    page: number;
    limit: number;
    /** How many filters there are. */
    count: number;
}

/** A whole number that is not negative, or nothing. */
function whole(text: string | null): number | undefined {
    return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** What the address asks the ledger for. */
export function viewOf(params: URLSearchParams): LedgerView {
    const text = (name: string) => params.get(name) ?? undefined;
    const limit = whole(params.get('rows'));
    return {
        filters: {
            model: text('model'),
            provider: text('provider'),
            route: text('route'),
            keyId: whole(params.get('keyId')),
            minCost: text('minCost'),
            maxCost: text('maxCost'),
            status: STATUSES.find((status) => status === params.get('status')),
        },
        sort: params.get('sort') === 'cost' ? 'cost' : 'at',
        order: params.get('order') === 'asc' ? 'asc' : 'desc',
        page: whole(params.get('page')) ?? 0,
        limit: limit !== undefined && PAGE_ROWS.includes(limit) ? limit : PAGE_ROWS_DEFAULT,
        count: FILTERS.filter((name) => params.has(name)).length,
    };
}

/** An address without any filter. */
export const NO_FILTERS: Record<string, null> = Object.fromEntries(
    [...FILTERS, 'page'].map((name) => [name, null]),
);
