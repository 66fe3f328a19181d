import { Button } from '@mui/material';
import { useState } from 'react';

import { api, SLOW_INTERVAL_MS } from '~/api/client';
import { Empty, Loaded } from '~/components/States';
import { TenantPage } from '~/components/TenantPage';
import { useMay } from '~/session/session';
import { useParams, type Tenant } from '~/shell/place';

import { Rules } from './Rules';
import { TagBudgets } from './TagBudgets';
import { TagDialog } from './TagDialog';
import { TagTree } from './TagTree';

const HEIGHT_PX = 320;

/** What requests are for: a tenant's tags, their budgets, and rules that give them. */
export default function TagsPage() {
    const mayMake = useMay('operator');
    const [isMaking, setIsMaking] = useState(false);
    return (
        <TenantPage
            title="Tags"
            about="What requests are for. What a tag spends counts on all tags above it."
            actions={() =>
                mayMake && (
                    <Button
                        variant="contained"
                        onClick={() => {
                            setIsMaking(true);
                        }}
                    >
                        New tag
                    </Button>
                )
            }
        >
            {(tenant) => (
                <TagsOf
                    key={tenant.id}
                    tenant={tenant}
                    isMaking={isMaking}
                    onMade={() => {
                        setIsMaking(false);
                    }}
                />
            )}
        </TenantPage>
    );
}

interface TagsOfProps {
    tenant: Tenant;
    isMaking: boolean;
    onMade: () => void;
}

function TagsOf({ tenant, isMaking, onMade }: TagsOfProps) {
    const [params, setParams] = useParams();
    const tags = api.useQuery(
        'get',
        '/admin/tenant/{id}/tags',
        { params: { path: { id: tenant.id }, query: { includeInactive: 'true' } } },
        { refetchInterval: SLOW_INTERVAL_MS },
    );
    const all = tags.data ?? [];
    const open = all.find(({ id }) => id === Number(params.get('tag')));
    return (
        <>
            <Loaded
                query={tags}
                height={HEIGHT_PX}
                isEmpty={(body) => body.length === 0}
                empty={
                    <Empty title="There is no tag yet" height={HEIGHT_PX}>
                        Callers name tags in the header X-Tags; rules give them to requests that
                        name none.
                    </Empty>
                }
            >
                {(body) => <TagTree tenant={tenant} tags={body} />}
            </Loaded>
            <Rules tenant={tenant} tags={all} />
            {isMaking && (
                <TagDialog tenant={tenant} tags={all} tag={null} parent={null} onClose={onMade} />
            )}
            {open && (
                <TagBudgets
                    tenant={tenant}
                    tag={open}
                    onClose={() => {
                        setParams({ tag: null });
                    }}
                />
            )}
        </>
    );
}
