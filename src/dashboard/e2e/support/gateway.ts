import createFetchClient from 'openapi-fetch';

import type { paths } from '../../src/api/schema';

export const ADMIN_KEY = 'admin-key-of-the-browser-tests';
export const PASSWORD = 'correct horse battery';

function settled(name: string): string {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} was not set by the start of the tests`);
    return value;
}

/** Where the gateway is. */
export function gatewayUrl(): string {
    return settled('E2E_GATEWAY');
}

/** The number of the tenant that pages are looked at with. */
export function acmeId(): number {
    return Number(settled('E2E_TENANT'));
}

/** The admin API, by the admin key. */
export function admin() {
    const client = createFetchClient<paths>({
        baseUrl: gatewayUrl(),
        headers: { 'X-Admin-Key': ADMIN_KEY },
    });
    client.use({
        async onResponse({ request, response }) {
            if (response.ok) return;
            const text = await response.text();
            throw new Error(`${request.method} ${request.url}: ${response.status} ${text}`);
        },
    });
    return client;
}

/** What an answer has to bring. */
export function given<T>(value: T | null | undefined): T {
    if (value === null || value === undefined)
        throw new Error('the answer lacks what was asked for');
    return value;
}

/** A tenant with a key. */
export interface Caller {
    tenantId: number;
    name: string;
    key: string;
}

/** Makes a tenant without a rate limit, and a key of its. */
export async function makeCaller(name: string): Promise<Caller> {
    const tenant = given((await admin().POST('/admin/tenant', { body: { name } })).data);
    const params = { path: { id: tenant.id } };
    await admin().PUT('/admin/tenant/{id}/ratelimit', { params, body: { rateLimitPerMin: 0 } });
    const key = await admin().POST('/admin/tenant/{id}/apikeys', {
        params,
        body: { name: `key of ${name}` },
    });
    return { tenantId: tenant.id, name, key: given(key.data).key };
}

interface Call {
    model?: string;
    headers?: Record<string, string>;
}

/** Makes a request as a tenant does, and gives its status. */
export async function call(caller: Caller, { model, headers }: Call = {}): Promise<number> {
    const answer = await fetch(`${gatewayUrl()}/v1/chat/completions`, {
        method: 'POST',
        headers: {
            authorization: `Bearer ${caller.key}`,
            'content-type': 'application/json',
            ...headers,
        },
        body: JSON.stringify({
            model: model ?? 'gpt-4o-mini',
            max_tokens: 64,
            messages: [{ role: 'user', content: 'Say hello.' }],
        }),
    });
    await answer.arrayBuffer();
    return answer.status;
}

/** Waits until the ledger, which is written behind the answers, has so many rows of a tenant. */
export async function ledgerOf(tenantId: number, rows: number) {
    const deadline = Date.now() + 20_000;
    for (;;) {
        const query = { tenantId, limit: 1000 };
        const page = given((await admin().GET('/admin/usage/ledger', { params: { query } })).data);
        if (page.data.length >= rows) return page.data;
        if (Date.now() > deadline) throw new Error(`${page.data.length} rows instead of ${rows}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
