import { admin, call, given, ledgerOf, makeCaller, PASSWORD } from './gateway';

/** The tenant that pages are looked at with. */
export const ACME = 'Acme';
/** A tenant whose budget affords hardly anything. */
export const TIGHT = 'Tight';
export const SESSION = 'support-chat-1';

const MODELS = ['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'gpt-4o-mini'];

/** Fills a gateway with a little of everything, by its API and by real requests. */
export async function furnish(): Promise<void> {
    const acme = await makeCaller(ACME);
    process.env.E2E_TENANT = String(acme.tenantId);
    const params = { path: { id: acme.tenantId } };
    await admin().POST('/admin/tenant/{id}/budgets', {
        params,
        body: {
            budgets: [
                { period: 'daily', amountUsd: '0.01' },
                { period: 'monthly', amountUsd: '250' },
            ],
        },
    });
    await admin().POST('/admin/budgets', {
        body: { budgets: [{ period: 'monthly', amountUsd: '1000' }] },
    });
    await furnishTags(acme.tenantId);
    for (const [index, model] of MODELS.entries()) {
        const headers: Record<string, string> = {
            'x-tags': index % 2 === 0 ? 'search' : 'research',
        };
        if (index < 2) headers['x-session-id'] = SESSION;
        const status = await call(acme, { model, headers });
        if (status !== 200) throw new Error(`a request was answered by ${status}`);
    }
    const tight = await makeCaller(TIGHT);
    await admin().POST('/admin/tenant/{id}/budgets', {
        params: { path: { id: tight.tenantId } },
        body: { budgets: [{ period: 'daily', amountUsd: '0.000001' }] },
    });
    const refused = await call(tight);
    if (refused !== 402) throw new Error(`a budget let a request pass: ${refused}`);
    await ledgerOf(acme.tenantId, MODELS.length);
    await ledgerOf(tight.tenantId, 1);
    for (const role of ['viewer', 'operator', 'admin'] as const) {
        await admin().POST('/admin/users', { body: { name: role, password: PASSWORD, role } });
    }
}

async function furnishTags(id: number): Promise<void> {
    const params = { path: { id } };
    const tag = async (name: string, parentId?: number, color?: string) => {
        const body = { name, parentId, color };
        const made = await admin().POST('/admin/tenant/{id}/tags', { params, body });
        return given(made.data).id;
    };
    const product = await tag('product', undefined, '#1565c0');
    await tag('search', product, '#2e7d32');
    await tag('research', undefined, '#6a1b9a');
    await admin().POST('/admin/tenant/{id}/tags/{tag}/budgets', {
        params: { path: { id, tag: product } },
        body: { period: 'monthly', amountUsd: '50' },
    });
}
