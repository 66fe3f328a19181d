import { Autocomplete, TextField } from '@mui/material';

import { useChosenTenant, useParams, useTenants } from '~/shell/place';

interface TenantSelectProps {
    /** The tenant that is shown, where the page takes one by itself. */
    value?: number;
    /** Whether the page can show all tenants together. */
    withAll?: boolean;
}

/** The choice of a tenant, kept in the address. */
export function TenantSelect({ value, withAll = false }: TenantSelectProps) {
    const { data: tenants = [] } = useTenants();
    const chosen = useChosenTenant();
    const [, setParams] = useParams();
    const shown = tenants.find((tenant) => tenant.id === value) ?? chosen;
    return (
        <Autocomplete
            options={tenants}
            value={shown}
            getOptionLabel={(tenant) => tenant.name}
            getOptionKey={(tenant) => tenant.id}
            isOptionEqualToValue={(one, other) => one.id === other.id}
            disableClearable={!withAll as false}
            onChange={(_event, tenant) => {
                setParams({ tenant: tenant ? String(tenant.id) : null, page: null });
            }}
            size="small"
            sx={{ width: 220 }}
            renderInput={(params) => (
                <TextField {...params} label="Tenant" placeholder={withAll ? 'All tenants' : ''} />
            )}
        />
    );
}
