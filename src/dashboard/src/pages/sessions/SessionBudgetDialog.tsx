import { Alert, Button, TextField, Typography } from '@mui/material';
import { useState } from 'react';

import { api } from '~/api/client';
import { FormDialog } from '~/components/FormDialog';
import { Loaded, messageOf } from '~/components/States';
import { formatUsd } from '~/format/money';

interface SessionBudgetDialogProps {
    sessionId: string;
    tenantId: number;
    onClose: () => void;
}

/** Gives a session a budget of its own, or that of its tenant again. */
export function SessionBudgetDialog({ sessionId, tenantId, onClose }: SessionBudgetDialogProps) {
    const params = { path: { id: tenantId, session: sessionId } };
    const route = '/admin/tenant/{id}/sessions/{session}/budget';
    const budget = api.useQuery('get', route, { params });
    const set = api.useMutation('put', route);
    const remove = api.useMutation('delete', route);
    const [amount, setAmount] = useState('');
    return (
        <FormDialog
            title="Budget of the session"
            action="Save"
            onSubmit={() => set.mutateAsync({ params, body: { budgetUsd: amount } })}
            onClose={onClose}
        >
            <Loaded query={budget} height={80}>
                {({ currentCostUsd, effectiveBudgetUsd, budgetSource }) => (
                    <>
                        <Typography>
                            It has spent {formatUsd(currentCostUsd)} of{' '}
                            {effectiveBudgetUsd === null
                                ? 'no limit'
                                : formatUsd(effectiveBudgetUsd)}
                            .{' '}
                            {budgetSource?.hasCustomBudget
                                ? 'The budget is its own.'
                                : 'The budget is what its tenant gives every session.'}
                        </Typography>
                        {budgetSource?.hasCustomBudget === true && (
                            <Button
                                color="error"
                                disabled={remove.isPending}
                                onClick={() => {
                                    remove.mutate({ params }, { onSuccess: onClose });
                                }}
                            >
                                Remove its own budget
                            </Button>
                        )}
                        {remove.error !== null && (
                            <Alert severity="error">{messageOf(remove.error)}</Alert>
                        )}
                    </>
                )}
            </Loaded>
            <TextField
                label="New budget in dollars"
                required
                value={amount}
                onChange={(event) => {
                    setAmount(event.target.value);
                }}
                slotProps={{
                    htmlInput: { inputMode: 'decimal', pattern: '\\s*[0-9]*\\.?[0-9]{0,9}\\s*' },
                }}
            />
        </FormDialog>
    );
}
