import { api, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';

export type Dimension = Schemas['DimensionName'];

/** What is looked at. */
export interface Asked {
    tenantId?: number;
    startDate: string;
    endDate: string;
}

/** As many rows as a page shows; the rest comes as one, added up by the server. */
const ROWS_MAX = 20;
/** A year and a leap day. */
const DAYS_MAX = 366;

/** Spending by one dimension, kept current; who asks the same shares the answer. */
export function useBreakdown(by: Dimension, asked: Asked) {
    const limit = by === 'day' ? DAYS_MAX : ROWS_MAX;
    return api.useQuery(
        'get',
        '/admin/usage/breakdown',
        { params: { query: { by: [by], limit, ...asked } } },
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
}
