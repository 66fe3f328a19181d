import { MutationCache, QueryClient } from '@tanstack/react-query';

import { ApiError } from './client';

const RETRIES_MAX = 2;
const FRESH_MS = 2_000;

/** Tries again what may come right by itself: no connection, or a server that is in trouble. */
function shouldRetry(failures: number, error: Error): boolean {
    const status = error instanceof ApiError ? error.status : 0;
    return failures < RETRIES_MAX && (status === 0 || status >= 500);
}

/** Whatever was changed, everything that is shown is asked for anew. */
export function makeQueryClient(): QueryClient {
    const client: QueryClient = new QueryClient({
        defaultOptions: {
            queries: {
                retry: shouldRetry,
                staleTime: FRESH_MS,
                refetchIntervalInBackground: false,
            },
            mutations: { retry: false },
        },
        mutationCache: new MutationCache({
            onSuccess: () => client.invalidateQueries(),
        }),
    });
    return client;
}
