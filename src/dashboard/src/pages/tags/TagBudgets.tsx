import Close from '@mui/icons-material/Close';
import {
    Button,
    Chip,
    Drawer,
    IconButton,
    Stack,
    TableCell,
    TableRow,
    Typography,
} from '@mui/material';
import { useId, useState } from 'react';

import { api } from '~/api/client';
import { thresholdsText } from '~/components/budgets';
import { ChangeMenu } from '~/components/ChangeMenu';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { ListTable } from '~/components/ListTable';
import { Empty } from '~/components/States';
import { formatUsd } from '~/format/money';
import { useMay } from '~/session/session';
import type { Tenant } from '~/shell/place';

import { TagBudgetDialog, type TagBudget } from './TagBudgetDialog';
import type { Tag } from './tree';

const DRAWER_PX = 720;
const HEADS = ['Period', 'Limit', 'Weight', 'Tags below', 'Counts', 'Alerts at', ''];

interface TagBudgetsProps {
    tenant: Tenant;
    tag: Tag;
    onClose: () => void;
}

/** The budgets of a tag, those that are not active too. */
export function TagBudgets({ tenant, tag, onClose }: TagBudgetsProps) {
    const id = useId();
    const mayMake = useMay('operator') && tag.isActive;
    const [isMaking, setIsMaking] = useState(false);
    return (
        <Drawer
            anchor="right"
            open
            onClose={onClose}
            sx={{ zIndex: 'modal' }}
            slotProps={{
                paper: {
                    role: 'dialog',
                    'aria-modal': true,
                    'aria-labelledby': id,
                    sx: { width: DRAWER_PX, maxWidth: '100%', p: 2 },
                },
            }}
        >
            <Stack spacing={2}>
                <Stack
                    direction="row"
                    spacing={1}
                    sx={{ justifyContent: 'space-between', alignItems: 'center' }}
                >
                    <Typography variant="h2" id={id} sx={{ overflowWrap: 'anywhere' }}>
                        Budgets of {tag.path}
                    </Typography>
                    <IconButton aria-label="Close" onClick={onClose}>
                        <Close />
                    </IconButton>
                </Stack>
                {mayMake && (
                    <Button
                        variant="contained"
                        sx={{ alignSelf: 'start' }}
                        onClick={() => {
                            setIsMaking(true);
                        }}
                    >
                        New budget
                    </Button>
                )}
                {tag.budgets.length === 0 ? (
                    <Empty title="It has no budget yet" />
                ) : (
                    <ListTable label="Budgets of the tag" heads={HEADS}>
                        {tag.budgets.map((budget) => (
                            <BudgetRow key={budget.id} tenant={tenant} tag={tag} budget={budget} />
                        ))}
                    </ListTable>
                )}
            </Stack>
            {isMaking && (
                <TagBudgetDialog
                    tenant={tenant}
                    tag={tag}
                    budget={null}
                    onClose={() => {
                        setIsMaking(false);
                    }}
                />
            )}
        </Drawer>
    );
}

interface BudgetRowProps {
    tenant: Tenant;
    tag: Tag;
    budget: TagBudget;
}

function BudgetRow({ tenant, tag, budget }: BudgetRowProps) {
    const mayChange = useMay('operator');
    const remove = api.useMutation('delete', '/admin/budget/tag/{id}');
    const name = `${budget.period} budget of ${formatUsd(budget.amountUsd)}`;
    const counted = [...budget.models, ...budget.providers].join(', ');
    return (
        <TableRow hover>
            <TableCell component="th" scope="row">
                {budget.period}
                {budget.enforcement === 'shadow' && (
                    <Chip size="small" variant="outlined" label="shadow" sx={{ ml: 1 }} />
                )}
                {!budget.isActive && (
                    <Chip size="small" variant="outlined" label="inactive" sx={{ ml: 1 }} />
                )}
            </TableCell>
            <TableCell title={`$${budget.amountUsd}`}>{formatUsd(budget.amountUsd)}</TableCell>
            <TableCell>{budget.weight}</TableCell>
            <TableCell>{budget.inheritanceMode.toLowerCase()}</TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{counted || 'everything'}</TableCell>
            <TableCell>{thresholdsText(budget.alertThresholds) || 'the usual'}</TableCell>
            <TableCell align="right">
                <ChangeMenu
                    of={`the ${name}`}
                    mayChange={mayChange}
                    change={(onClose) => (
                        <TagBudgetDialog
                            tenant={tenant}
                            tag={tag}
                            budget={budget}
                            onClose={onClose}
                        />
                    )}
                    remove={(onClose) => (
                        <ConfirmDialog
                            title={`Delete the ${name}?`}
                            action="Delete the budget"
                            onConfirm={() =>
                                remove.mutateAsync({ params: { path: { id: budget.id } } })
                            }
                            onClose={onClose}
                        >
                            It refuses nothing from now on. What was spent stays in the ledger.
                        </ConfirmDialog>
                    )}
                />
            </TableCell>
        </TableRow>
    );
}
