import { api } from '~/api/client';
import { formatUsd } from '~/format/money';
import type { Tenant } from '~/shell/place';

const BUDGETS_MAX = 200;

/** What a change can be about, each with what it is called. */
export interface Choices {
    budgets: Map<number, string>;
    keys: Map<number, string>;
    tags: Map<number, string>;
}

/** The budgets of a tenant or of all, and the tenant's keys and tags. */
export function useChoices(tenant: Tenant | null): Choices {
    const id = tenant?.id ?? 0;
    const enabled = tenant !== null;
    const budgets = api.useQuery('get', '/admin/budget-health', {
        params: { query: { tenantId: tenant?.id, limit: BUDGETS_MAX } },
    });
    const params = { path: { id } };
    const keys = api.useQuery('get', '/admin/tenant/{id}/apikeys', { params }, { enabled });
    const tags = api.useQuery('get', '/admin/tenant/{id}/tags', { params }, { enabled });
    // Those that the settings give to whoever has none are no budgets that could be changed alone.
    const own = budgets.data?.data.filter((budget) => (budget.id ?? 0) > 0) ?? [];
    return {
        budgets: new Map(
            own.map((budget) => {
                const name = budget.name === '' ? 'Installation' : budget.name;
                const about = `${budget.scope} ${name}, ${budget.period}, ${formatUsd(budget.limitUsd)}`;
                return [budget.id ?? 0, about];
            }),
        ),
        keys: new Map(keys.data?.map((key) => [key.id, `${key.name} (${key.prefix}…)`])),
        tags: new Map(tags.data?.map((tag) => [tag.id, tag.path])),
    };
}
