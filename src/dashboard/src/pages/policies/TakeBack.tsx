import { Button, Typography } from '@mui/material';
import { useState } from 'react';

import { api } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import type { Tenant } from '~/shell/place';

import type { Bundle } from './draft';

interface TakeBackProps {
    tenant: Tenant;
    active: Bundle;
}

/** Takes the version out of force that is: for the one before it, or for none. */
export function TakeBack({ tenant, active }: TakeBackProps) {
    const [asked, setAsked] = useState<'rollback' | 'deactivate' | null>(null);
    const rollBack = api.useMutation('post', '/admin/tenant/{id}/policy-bundles/rollback');
    const deactivate = api.useMutation('post', '/admin/tenant/{id}/policy-bundles/deactivate');
    const params = { path: { id: tenant.id } };
    const close = () => {
        setAsked(null);
    };
    return (
        <>
            <Button
                onClick={() => {
                    setAsked('rollback');
                }}
            >
                Roll back
            </Button>
            <Button
                color="error"
                onClick={() => {
                    setAsked('deactivate');
                }}
            >
                Deactivate
            </Button>
            {asked === 'rollback' && (
                <ConfirmDialog
                    title={`Roll version ${active.version} back?`}
                    action="Roll back"
                    onConfirm={() => rollBack.mutateAsync({ params })}
                    onClose={close}
                >
                    <Typography>
                        The version that was in force before version {active.version} is in force
                        again within a second. Version {active.version} then counts as never
                        activated.
                    </Typography>
                </ConfirmDialog>
            )}
            {asked === 'deactivate' && (
                <ConfirmDialog
                    title={`Take version ${active.version} out of force?`}
                    action="Deactivate"
                    onConfirm={() => deactivate.mutateAsync({ params })}
                    onClose={close}
                >
                    <Typography>
                        Within a second only the installation’s rules are asked about requests of{' '}
                        {tenant.name}. What version {active.version} refuses is let pass then.
                    </Typography>
                </ConfirmDialog>
            )}
        </>
    );
}
