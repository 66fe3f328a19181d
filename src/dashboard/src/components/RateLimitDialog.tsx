import { useQuery } from '@tanstack/react-query';

import { api, fetchClient, type Schemas } from '~/api/client';

import { useDraft } from './form';
import { FormDialog } from './FormDialog';
import { FormField } from './FormField';
import { Loaded } from './States';

type Limit = keyof Schemas['RateLimitBody'];

const LABELS: Record<Limit, string> = {
    rateLimitPerMin: 'Requests a minute',
    tokensPerMin: 'Tokens a minute',
    maxConcurrent: 'Requests at once',
};
const LIMITS = Object.keys(LABELS) as Limit[];
const LIMIT_MAX = 1_000_000_000;

interface RateLimitDialogProps {
    of: 'tenant' | 'apikey';
    id: number;
    name: string;
    onClose: () => void;
}

/** What a tenant or a key may ask for at most. */
export function RateLimitDialog({ of, id, name, onClose }: RateLimitDialogProps) {
    const params = { path: { id } };
    const limits = useQuery({
        queryKey: ['ratelimit', of, id],
        queryFn: async () => {
            const { data } =
                of === 'tenant'
                    ? await fetchClient.GET('/admin/tenant/{id}/ratelimit', { params })
                    : await fetchClient.GET('/admin/apikey/{id}/ratelimit', { params });
            return data ?? null;
        },
    });
    const ofTenant = api.useMutation('put', '/admin/tenant/{id}/ratelimit');
    const ofKey = api.useMutation('put', '/admin/apikey/{id}/ratelimit');
    const [draft, change] = useDraft<Partial<Record<Limit, string>>>({});
    const save = async () => {
        const changed = Object.entries(draft).map(([limit, text]) => [limit, text.trim() || null]);
        if (changed.length === 0) return;
        const body = Object.fromEntries(changed) as Schemas['RateLimitChange'];
        await (of === 'tenant' ? ofTenant : ofKey).mutateAsync({ params, body });
    };
    return (
        <FormDialog
            title={`Rate limits of ${name}`}
            action="Save"
            onSubmit={save}
            onClose={onClose}
        >
            <Loaded query={limits} height={200}>
                {(body) =>
                    LIMITS.map((limit) => (
                        <FormField
                            key={limit}
                            name={limit}
                            label={LABELS[limit]}
                            type="number"
                            value={draft[limit] ?? String(body?.[limit] ?? '')}
                            onChange={(text) => {
                                change({ [limit]: text });
                            }}
                            help="0 is unlimited; empty is the installation’s default, if it has one."
                            html={{ min: 0, max: LIMIT_MAX, step: 1 }}
                        />
                    ))
                }
            </Loaded>
        </FormDialog>
    );
}
