import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

import { api, SLOW_INTERVAL_MS, type Schemas } from '~/api/client';
import { todayIn } from '~/format/dates';
import { DEFAULT_RANGE, daysOf, isRangeName, type Days, type RangeName } from '~/format/ranges';

export type Tenant = Schemas['TenantBody'];

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** What links between pages take along; the rest belongs to one page. */
const CARRIED = ['tenant', 'range', 'from', 'to'];

/** Changes some parameters of the address; `null` takes one out. */
export type SetParams = (
    changes: Record<string, string | null>,
    options?: { push: boolean },
) => void;

/** The parameters of the address, where everything stands that a link should show again. */
export function useParams(): [URLSearchParams, SetParams] {
    const [params, setSearchParams] = useSearchParams();
    const set = useCallback<SetParams>(
        (changes, options) => {
            setSearchParams(
                (before) => {
                    const next = new URLSearchParams(before);
                    for (const [name, value] of Object.entries(changes)) {
                        if (value === null || value === '') next.delete(name);
                        else next.set(name, value);
                    }
                    return next;
                },
                { replace: options?.push !== true },
            );
        },
        [setSearchParams],
    );
    return [params, set];
}

/** The part of the address that goes along to another page. */
export function useCarried(): string {
    const [params] = useSearchParams();
    const kept = [...params].filter(([name]) => CARRIED.includes(name));
    const text = new URLSearchParams(kept).toString();
    return text === '' ? '' : `?${text}`;
}

export function useTenants() {
    return api.useQuery('get', '/admin/tenant', {}, { refetchInterval: SLOW_INTERVAL_MS });
}

/** The tenant in the address, if there is such a one; `null` for all of them. */
export function useChosenTenant(): Tenant | null {
    const [params] = useSearchParams();
    const { data } = useTenants();
    const id = Number(params.get('tenant'));
    return data?.find((tenant) => tenant.id === id) ?? null;
}

/** Whether it is known which tenant the address means: before, a page would ask for those of all. */
export function useIsTenantKnown(): boolean {
    const [params] = useSearchParams();
    const { isPending } = useTenants();
    return !params.has('tenant') || !isPending;
}

/** Days are those of UTC, as in the sums that the server keeps, whoever looks at them. */
const ZONE = 'UTC';

export interface Range {
    name: RangeName;
    days: Days;
    zone: string;
    /** Both ends as the API takes them: instants, so that every route means the same by them. */
    query: { startDate: string; endDate: string };
}

function rangeOf(name: RangeName, days: Days): Range {
    const query = {
        startDate: `${days.startDate}T00:00:00Z`,
        endDate: `${days.endDate}T23:59:59.999Z`,
    };
    return { name, days, zone: ZONE, query };
}

/** The time range in the address. */
export function useRange(): Range {
    const [params] = useSearchParams();
    const asked = params.get('range');
    const from = params.get('from') ?? '';
    const to = params.get('to') ?? '';
    const today = todayIn(ZONE);
    return useMemo(() => {
        const name = isRangeName(asked) ? asked : DEFAULT_RANGE;
        if (name !== 'custom') return rangeOf(name, daysOf(name, today));
        const isWhole = DAY.test(from) && DAY.test(to) && from <= to;
        const days = { startDate: from, endDate: to };
        return rangeOf(name, isWhole ? days : daysOf(DEFAULT_RANGE, today));
    }, [asked, from, to, today]);
}
