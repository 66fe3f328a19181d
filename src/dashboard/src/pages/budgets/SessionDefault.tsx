import { Button, Stack, Typography } from '@mui/material';
import { useState } from 'react';

import { api, type Schemas } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { FormDialog } from '~/components/FormDialog';
import { FormField, USD_INPUT } from '~/components/FormField';
import { Section } from '~/components/Section';
import { Loaded } from '~/components/States';
import { formatUsd, plainUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';
import { useMay } from '~/session/session';
import type { Tenant } from '~/shell/place';

const ROUTE = '/admin/tenant/{id}/default-session-budget';
const HEIGHT_PX = 100;

/** What each session of a tenant may spend that has no budget of its own. */
export function SessionDefault({ tenant }: { tenant: Tenant }) {
    const params = { path: { id: tenant.id } };
    const budget = api.useQuery('get', ROUTE, { params });
    const remove = api.useMutation('delete', ROUTE);
    const mayChange = useMay('operator');
    const [doing, setDoing] = useState<'setting' | 'removing' | null>(null);
    const onClose = () => {
        setDoing(null);
    };
    return (
        <Section title={`Each session of ${tenant.name}`}>
            <Loaded query={budget} height={HEIGHT_PX}>
                {(body) => (
                    <Stack spacing={1} sx={{ minHeight: HEIGHT_PX, alignItems: 'start' }}>
                        <Told body={body} />
                        {mayChange && (
                            <Stack direction="row" spacing={1}>
                                <Button
                                    variant="outlined"
                                    onClick={() => {
                                        setDoing('setting');
                                    }}
                                >
                                    Set
                                </Button>
                                {body.defaultSessionBudgetUsd !== null && (
                                    <Button
                                        color="error"
                                        onClick={() => {
                                            setDoing('removing');
                                        }}
                                    >
                                        Remove
                                    </Button>
                                )}
                            </Stack>
                        )}
                        {doing === 'setting' && (
                            <SetDialog
                                tenant={tenant}
                                start={plainUsd(body.defaultSessionBudgetUsd)}
                                onClose={onClose}
                            />
                        )}
                    </Stack>
                )}
            </Loaded>
            {doing === 'removing' && (
                <ConfirmDialog
                    title="Remove the budget of each session?"
                    action="Remove the budget"
                    onConfirm={() => remove.mutateAsync({ params })}
                    onClose={onClose}
                >
                    Sessions without a budget of their own, or of their tags, have no limit any
                    more.
                </ConfirmDialog>
            )}
        </Section>
    );
}

function Told({ body }: { body: Schemas['DefaultBody'] }) {
    const { defaultSessionBudgetUsd: amount, sessionCount } = body;
    return (
        <Typography>
            {amount === null
                ? 'Sessions have no limit, unless they or their tags have one of their own.'
                : `A session may spend ${formatUsd(amount)}, unless it or its tags have a limit of their own.`}
            {typeof sessionCount === 'number' &&
                ` There are ${formatCount(sessionCount)} sessions.`}
        </Typography>
    );
}

interface SetDialogProps {
    tenant: Tenant;
    start: string;
    onClose: () => void;
}

function SetDialog({ tenant, start, onClose }: SetDialogProps) {
    const set = api.useMutation('put', ROUTE);
    const [budgetUsd, setBudgetUsd] = useState(start);
    const params = { path: { id: tenant.id } };
    return (
        <FormDialog
            title={`Budget of each session of ${tenant.name}`}
            action="Save"
            onSubmit={() => set.mutateAsync({ params, body: { budgetUsd } })}
            onClose={onClose}
        >
            <FormField
                name="budgetUsd"
                label="Limit in dollars"
                required
                value={budgetUsd}
                onChange={setBudgetUsd}
                html={USD_INPUT}
            />
        </FormDialog>
    );
}
