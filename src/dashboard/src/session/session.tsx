import { useQueryClient } from '@tanstack/react-query';
import {
    createContext,
    use,
    useCallback,
    useEffect,
    useMemo,
    useState,
    type ReactNode,
} from 'react';

import {
    ApiError,
    fetchClient,
    setCsrfToken,
    setOnSessionEnd,
    type LoginSession,
    type Role,
    type Schemas,
} from '~/api/client';
import { messageOf } from '~/components/States';

const RANKS: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Where a page stands with the server. */
type State =
    | { kind: 'unknown' }
    | { kind: 'unreachable'; message: string }
    | { kind: 'out'; hasEnded: boolean }
    | { kind: 'in'; session: LoginSession };

interface SessionContext {
    state: State;
    logIn: (login: Schemas['Login']) => Promise<void>;
    logOut: () => Promise<void>;
    /** Takes over a session that the server began anew. */
    renew: (session: LoginSession) => void;
    /** Asks again who is logged in. */
    look: () => Promise<void>;
}

const Context = createContext<SessionContext | null>(null);

/** Asks the server. */
async function whoAmI(): Promise<State> {
    try {
        const { data } = await fetchClient.GET('/admin/session');
        if (!data) return { kind: 'out', hasEnded: false };
        setCsrfToken(data.csrfToken);
        return { kind: 'in', session: data };
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) {
            return { kind: 'out', hasEnded: false };
        }
        return { kind: 'unreachable', message: messageOf(error) };
    }
}

export function SessionProvider({ children }: { children: ReactNode }) {
    const [state, setState] = useState<State>({ kind: 'unknown' });
    const queries = useQueryClient();

    const renew = useCallback((session: LoginSession) => {
        setCsrfToken(session.csrfToken);
        setState({ kind: 'in', session });
    }, []);

    const look = useCallback(async () => {
        setState(await whoAmI());
    }, []);

    useEffect(() => {
        setOnSessionEnd(() => {
            setCsrfToken(null);
            setState((before) =>
                before.kind === 'out' ? before : { kind: 'out', hasEnded: before.kind === 'in' },
            );
        });
        void whoAmI().then(setState);
        // Another tab may have logged in or out meanwhile: the cookie is the same for both.
        const look = () => {
            if (document.visibilityState !== 'visible') return;
            void whoAmI().then((next) => {
                if (next.kind === 'unreachable') return;
                setState((before) =>
                    next.kind === 'out' && before.kind === 'out' ? before : next,
                );
            });
        };
        document.addEventListener('visibilitychange', look);
        return () => {
            document.removeEventListener('visibilitychange', look);
        };
    }, []);

    const context = useMemo<SessionContext>(
        () => ({
            state,
            look,
            renew,
            async logIn(login) {
                const { data } = await fetchClient.POST('/admin/session', { body: login });
                // What the one before was shown is none of this one's business.
                queries.clear();
                if (data) renew(data);
            },
            async logOut() {
                await fetchClient.DELETE('/admin/session');
                setCsrfToken(null);
                queries.clear();
                setState({ kind: 'out', hasEnded: false });
            },
        }),
        [state, look, renew, queries],
    );
    return <Context value={context}>{children}</Context>;
}

/** What a page may ask of the session, and do with it. */
export function useSession(): SessionContext {
    const context = use(Context);
    if (!context) throw new Error('useSession needs a SessionProvider around it');
    return context;
}

/** Whether whoever is logged in has this role, or more. What they may not do is not offered. */
export function useMay(role: Role): boolean {
    const { state } = useSession();
    return state.kind === 'in' && RANKS[state.session.role] >= RANKS[role];
}
