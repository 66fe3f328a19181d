import { Chip, Stack, TableCell, TableRow, Typography } from '@mui/material';

import { api, type Schemas } from '~/api/client';
import { thresholdsText } from '~/components/budgets';
import { ChangeMenu } from '~/components/ChangeMenu';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { formatUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';
import { useMay } from '~/session/session';

import { BudgetDialog } from './BudgetDialog';
import type { BudgetScope } from './scope';

type Standing = Schemas['StandingBody'];

const HEADS = ['Period', 'Limit', 'Spent', 'Held', 'Resets', 'Counts', 'Alerts at', ''];

interface BudgetTableProps {
    scope: BudgetScope;
    zone: string;
    budgets: Standing[];
}

export function BudgetTable({ scope, zone, budgets }: BudgetTableProps) {
    return (
        <ListTable label="Budgets" heads={HEADS}>
            {budgets.map((budget) => (
                <BudgetRow key={budget.id} scope={scope} zone={zone} budget={budget} />
            ))}
        </ListTable>
    );
}

function countsText(list: string[], all: string): string {
    return list.length === 0 ? all : list.join(', ');
}

interface BudgetRowProps {
    scope: BudgetScope;
    zone: string;
    budget: Standing;
}

function BudgetRow({ scope, zone, budget }: BudgetRowProps) {
    const mayChange = useMay('operator');
    const models = countsText(budget.models, 'all models');
    const providers = countsText(budget.providers, 'all providers');
    const name = `${budget.period} budget of ${formatUsd(budget.amountUsd)}`;
    return (
        <TableRow hover>
            <TableCell component="th" scope="row">
                <Stack direction="row" spacing={1} sx={{ alignItems: 'center' }}>
                    <span>{budget.period}</span>
                    {budget.enforcement === 'shadow' && (
                        <Chip size="small" variant="outlined" label="shadow" />
                    )}
                </Stack>
                {budget.wouldHaveRefused !== undefined && budget.wouldHaveRefused !== null && (
                    <Typography component="div" variant="caption" color="textSecondary">
                        would have refused {formatCount(budget.wouldHaveRefused)}
                    </Typography>
                )}
            </TableCell>
            <TableCell title={`$${budget.amountUsd}`}>{formatUsd(budget.amountUsd)}</TableCell>
            <TableCell>{formatUsd(budget.currentUsage)}</TableCell>
            <TableCell>{formatUsd(budget.heldUsd)}</TableCell>
            <TableCell>
                {budget.currentPeriodEndDate ? (
                    <Instant at={budget.currentPeriodEndDate} relative />
                ) : (
                    'never'
                )}
            </TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>
                {models} of {providers}
            </TableCell>
            <TableCell>{thresholdsText(budget.alertThresholds) || 'the usual'}</TableCell>
            <TableCell align="right">
                <ChangeMenu
                    of={`the ${name}`}
                    mayChange={mayChange}
                    change={(onClose) => (
                        <BudgetDialog
                            scope={scope}
                            zone={zone}
                            budget={budget}
                            others={[]}
                            onClose={onClose}
                        />
                    )}
                    remove={(onClose) => (
                        <DeleteDialog id={budget.id} name={name} onClose={onClose} />
                    )}
                />
            </TableCell>
        </TableRow>
    );
}

interface DeleteDialogProps {
    id: number;
    name: string;
    onClose: () => void;
}

function DeleteDialog({ id, name, onClose }: DeleteDialogProps) {
    const remove = api.useMutation('delete', '/admin/budget/{id}');
    return (
        <ConfirmDialog
            title={`Delete the ${name}?`}
            action="Delete the budget"
            onConfirm={() => remove.mutateAsync({ params: { path: { id } } })}
            onClose={onClose}
        >
            It refuses nothing from now on. What was spent stays in the ledger.
        </ConfirmDialog>
    );
}
