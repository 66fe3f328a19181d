import { useId } from 'react';

import { api, type Schemas } from '~/api/client';
import { useDraft } from '~/components/form';
import { FormDialog } from '~/components/FormDialog';
import { FormField, USD_INPUT } from '~/components/FormField';
import { plainUsd } from '~/format/money';
import type { Tenant } from '~/shell/place';

const NAME_LENGTH_MAX = 200;
const LIMIT_MAX = 1_000_000_000;
const ZONES = Intl.supportedValuesOf('timeZone');

interface Draft {
    name: string;
    timeZone: string;
    rateLimitPerMin: string;
    defaultSessionBudgetUsd: string;
}

function draftOf(tenant: Tenant | null): Draft {
    return {
        name: tenant?.name ?? '',
        timeZone: tenant?.timeZone ?? '',
        rateLimitPerMin: String(tenant?.rateLimitPerMin ?? ''),
        defaultSessionBudgetUsd: plainUsd(tenant?.defaultSessionBudgetUsd),
    };
}

/** What differs from before; what was emptied is nothing. */
function settingsOf(draft: Draft, before: Draft): Schemas['TenantSettings'] {
    const { timeZone, rateLimitPerMin, defaultSessionBudgetUsd } = draft;
    const settings: Schemas['TenantSettings'] = {};
    if (timeZone !== before.timeZone) settings.timeZone = timeZone || null;
    if (rateLimitPerMin !== before.rateLimitPerMin) {
        settings.rateLimitPerMin = rateLimitPerMin || null;
    }
    if (defaultSessionBudgetUsd !== before.defaultSessionBudgetUsd) {
        settings.defaultSessionBudgetUsd = defaultSessionBudgetUsd || null;
    }
    return settings;
}

interface TenantDialogProps {
    /** The one that is changed; none where one is made. */
    tenant: Tenant | null;
    onClose: () => void;
}

/** Makes a tenant, or changes one. */
export function TenantDialog({ tenant, onClose }: TenantDialogProps) {
    const zones = useId();
    const create = api.useMutation('post', '/admin/tenant');
    const update = api.useMutation('put', '/admin/tenant/{id}');
    const before = draftOf(tenant);
    const [draft, change] = useDraft(before);
    const save = () => {
        const body = { name: draft.name, ...settingsOf(draft, before) };
        if (tenant === null) return create.mutateAsync({ body });
        return update.mutateAsync({ params: { path: { id: tenant.id } }, body });
    };
    return (
        <FormDialog
            title={tenant === null ? 'New tenant' : `Settings of ${tenant.name}`}
            action={tenant === null ? 'Create' : 'Save'}
            onSubmit={save}
            onClose={onClose}
        >
            <FormField
                name="name"
                label="Name"
                required
                value={draft.name}
                onChange={(name) => {
                    change({ name });
                }}
                html={{ maxLength: NAME_LENGTH_MAX }}
            />
            <FormField
                name="timeZone"
                label="Time zone"
                value={draft.timeZone}
                onChange={(timeZone) => {
                    change({ timeZone });
                }}
                help="Whose calendar its budgets follow; UTC where it is empty."
                html={{ list: zones }}
            />
            <datalist id={zones}>
                {ZONES.map((zone) => (
                    <option key={zone} value={zone} />
                ))}
            </datalist>
            <FormField
                name="rateLimitPerMin"
                label="Requests a minute"
                type="number"
                value={draft.rateLimitPerMin}
                onChange={(rateLimitPerMin) => {
                    change({ rateLimitPerMin });
                }}
                help="0 is unlimited; empty is the installation’s default."
                html={{ min: 0, max: LIMIT_MAX, step: 1 }}
            />
            <FormField
                name="defaultSessionBudgetUsd"
                label="Budget of each session in dollars"
                value={draft.defaultSessionBudgetUsd}
                onChange={(defaultSessionBudgetUsd) => {
                    change({ defaultSessionBudgetUsd });
                }}
                help="Unless a session or its tags have another; empty is none."
                html={USD_INPUT}
            />
        </FormDialog>
    );
}
