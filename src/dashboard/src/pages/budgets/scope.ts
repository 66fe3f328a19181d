import { fetchClient, type Schemas } from '~/api/client';

/** Whose budgets a page shows. */
export type BudgetScope =
    { kind: 'installation' } | { kind: 'tenant'; id: number } | { kind: 'key'; id: number };

/** The scopes that can be chosen, with what they are called. */
export const SCOPES = {
    installation: 'The installation',
    tenant: 'A tenant',
    key: 'A key',
    session: 'Each session',
} as const;

export type ScopeName = keyof typeof SCOPES;

export function isScopeName(text: string | null): text is ScopeName {
    return text !== null && text in SCOPES;
}

/** The budgets of a scope, and where they stand. */
export async function fetchBudgets(scope: BudgetScope): Promise<Schemas['StandingBody'][]> {
    if (scope.kind === 'installation') {
        const { data } = await fetchClient.GET('/admin/budgets');
        return data ?? [];
    }
    const params = { path: { id: scope.id } };
    const { data } =
        scope.kind === 'tenant'
            ? await fetchClient.GET('/admin/tenant/{id}/budgets', { params })
            : await fetchClient.GET('/admin/apikey/{id}/budgets', { params });
    return data ?? [];
}

/** Gives a scope a budget. */
export async function setBudget(scope: BudgetScope, budget: Schemas['NewBudget']): Promise<void> {
    const body = { budgets: [budget] };
    if (scope.kind === 'installation') {
        await fetchClient.POST('/admin/budgets', { body });
        return;
    }
    const params = { path: { id: scope.id } };
    if (scope.kind === 'tenant') {
        await fetchClient.POST('/admin/tenant/{id}/budgets', { params, body });
    } else {
        await fetchClient.POST('/admin/apikey/{id}/budgets', { params, body });
    }
}
