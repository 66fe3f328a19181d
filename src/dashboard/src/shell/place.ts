import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

import { api, SLOW_INTERVAL_MS, type Schemas } from '~/api/client';
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

export interface Range {
    name: RangeName;
    days: Days;
    /** Whose midnight the days begin at. */
    zone: string;
}

/** The time range in the address, in days of the zone. */
export function useRange(zone: string): Range {
    const [params] = useSearchParams();
    const asked = params.get('range');
    const from = params.get('from') ?? '';
    const to = params.get('to') ?? '';
    return useMemo(() => {
        const name = isRangeName(asked) ? asked : DEFAULT_RANGE;
        if (name !== 'custom') return { name, days: daysOf(name, zone), zone };
        const isWhole = DAY.test(from) && DAY.test(to) && from <= to;
        const days = isWhole ? { startDate: from, endDate: to } : daysOf(DEFAULT_RANGE, zone);
        return { name, days, zone };
    }, [asked, from, to, zone]);
}

/** The calendar that a tenant's days follow; without a tenant it is UTC. */
export function zoneOf(tenant: Tenant | null): string {
    return tenant?.timeZone ?? 'UTC';
}
