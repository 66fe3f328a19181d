import createFetchClient, { type Middleware } from 'openapi-fetch';
import createClient from 'openapi-react-query';

import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type LoginSession = Schemas['LoginSessionBody'];
export type Role = Schemas['Role'];

/** How often figures are asked for anew while the page is seen. */
export const LIVE_INTERVAL_MS = 5_000;
/** For what changes seldom. */
export const SLOW_INTERVAL_MS = 30_000;

/** An answer that is not a success, in the server's words. */
export class ApiError extends Error {
    readonly status: number;

    constructor(status: number, message: string) {
        super(message);
        this.name = 'ApiError';
        this.status = status;
    }
}

let csrfToken: string | null = null;
let onSessionEnd: () => void = () => undefined;

/** The token that changes are sent with; the cookie itself is out of reach of scripts. */
export function setCsrfToken(token: string | null): void {
    csrfToken = token;
}

/** What is done when the server says that nobody is logged in. */
export function setOnSessionEnd(listener: () => void): void {
    onSessionEnd = listener;
}

/** Where the API is: beside the folder that the pages are in, whatever path is in front of it. */
export function apiUrl(path: string): string {
    return new URL(`..${path}`, document.baseURI).href;
}

async function messageOf(response: Response): Promise<string> {
    const body: unknown = await response
        .clone()
        .json()
        .catch(() => null);
    if (typeof body === 'object' && body !== null && 'error' in body) {
        if (typeof body.error === 'string') return body.error;
    }
    return `The server answered ${response.status}`;
}

const guard: Middleware = {
    onRequest({ request }) {
        if (csrfToken !== null && request.method !== 'GET') {
            request.headers.set('X-CSRF-Token', csrfToken);
        }
        return request;
    },
    async onResponse({ request, response }) {
        if (response.ok) return response;
        const isLogin = request.method === 'POST' && request.url === apiUrl('/admin/session');
        if (response.status === 401 && !isLogin) onSessionEnd();
        throw new ApiError(response.status, await messageOf(response));
    },
    onError() {
        return new ApiError(0, 'The server cannot be reached');
    },
};

export const fetchClient = createFetchClient<paths>({
    baseUrl: apiUrl('').replace(/\/$/, ''),
    credentials: 'same-origin',
});
fetchClient.use(guard);

/** Hooks over the API: `api.useQuery('get', '/admin/tenant')`. */
export const api = createClient(fetchClient);
