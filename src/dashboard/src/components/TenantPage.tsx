import type { ReactNode } from 'react';

import { Page } from '~/components/Page';
import { Empty, Loaded } from '~/components/States';
import { TenantSelect } from '~/components/TenantSelect';
import { useChosenTenant, useTenants, type Tenant } from '~/shell/place';

interface TenantPageProps {
    title: string;
    about?: ReactNode;
    actions?: (tenant: Tenant) => ReactNode;
    children: (tenant: Tenant) => ReactNode;
}

/** A page about one tenant: the one in the address, else the first. */
export function TenantPage({ title, about, actions, children }: TenantPageProps) {
    const tenants = useTenants();
    const chosen = useChosenTenant();
    const tenant = chosen ?? tenants.data?.[0];
    return (
        <Page
            title={title}
            about={about}
            actions={
                <>
                    <TenantSelect value={tenant?.id} />
                    {tenant && actions?.(tenant)}
                </>
            }
        >
            <Loaded query={tenants}>
                {() => (tenant ? children(tenant) : <Empty title="There is no tenant yet" />)}
            </Loaded>
        </Page>
    );
}
