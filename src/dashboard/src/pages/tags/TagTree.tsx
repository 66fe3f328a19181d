import KeyboardArrowDown from '@mui/icons-material/KeyboardArrowDown';
import KeyboardArrowRight from '@mui/icons-material/KeyboardArrowRight';
import { Box, Chip, IconButton, Stack, TableCell, TableRow, Typography } from '@mui/material';
import { useState } from 'react';

import { api } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { ListTable } from '~/components/ListTable';
import { RowMenu } from '~/components/RowMenu';
import { formatUsd } from '~/format/money';
import { useMay } from '~/session/session';
import { useParams, type Tenant } from '~/shell/place';

import { TagDialog } from './TagDialog';
import { branchesOf, type Branch, type Tag } from './tree';

const HEADS = ['Tag', 'Description', 'Budgets', 'Budget of a session', ''];
/** How far each level is moved to the right, in units of the theme. */
const INDENT = 3;

interface TagTreeProps {
    tenant: Tenant;
    tags: Tag[];
}

export function TagTree({ tenant, tags }: TagTreeProps) {
    const [folded, setFolded] = useState<ReadonlySet<number>>(new Set());
    const fold = (id: number) => {
        const next = new Set(folded);
        if (!next.delete(id)) next.add(id);
        setFolded(next);
    };
    return (
        <ListTable label="Tags" heads={HEADS}>
            {branchesOf(tags, folded).map((branch) => (
                <TagRow
                    key={branch.tag.id}
                    tenant={tenant}
                    tags={tags}
                    branch={branch}
                    isFolded={folded.has(branch.tag.id)}
                    onFold={() => {
                        fold(branch.tag.id);
                    }}
                />
            ))}
        </ListTable>
    );
}

interface TagRowProps extends TagTreeProps {
    branch: Branch;
    isFolded: boolean;
    onFold: () => void;
}

type Doing = 'changing' | 'adding' | 'deleting' | 'deactivating' | 'activating';

function TagRow({ tenant, tags, branch, isFolded, onFold }: TagRowProps) {
    const { tag, depth, hasChildren } = branch;
    const mayChange = useMay('operator');
    const [, setParams] = useParams();
    const [doing, setDoing] = useState<Doing | null>(null);
    const onClose = () => {
        setDoing(null);
    };
    const start = (what: Doing) => () => {
        setDoing(what);
    };
    return (
        <TableRow hover>
            <TableCell component="th" scope="row">
                <Stack direction="row" sx={{ alignItems: 'center', pl: depth * INDENT }}>
                    <Box sx={{ width: 34, flexShrink: 0 }}>
                        {hasChildren && (
                            <IconButton
                                size="small"
                                aria-label={`Tags below ${tag.path}`}
                                aria-expanded={!isFolded}
                                onClick={onFold}
                            >
                                {isFolded ? <KeyboardArrowRight /> : <KeyboardArrowDown />}
                            </IconButton>
                        )}
                    </Box>
                    <Dot color={tag.color} />
                    <Box sx={{ minWidth: 0 }}>
                        {tag.name}
                        {!tag.isActive && (
                            <Chip size="small" variant="outlined" label="inactive" sx={{ ml: 1 }} />
                        )}
                        {depth > 0 && (
                            <Typography component="div" variant="caption" color="textSecondary">
                                {tag.path}
                            </Typography>
                        )}
                    </Box>
                </Stack>
            </TableCell>
            <TableCell sx={{ overflowWrap: 'anywhere' }}>{tag.description ?? '–'}</TableCell>
            <TableCell>
                {tag.budgets.length === 0
                    ? 'none'
                    : tag.budgets.map((budget) => (
                          <div key={budget.id}>
                              {formatUsd(budget.amountUsd)} {budget.period}
                              {!budget.isActive && ' (inactive)'}
                          </div>
                      ))}
            </TableCell>
            <TableCell>
                {tag.sessionBudgetUsd === null ? 'none' : formatUsd(tag.sessionBudgetUsd)}
            </TableCell>
            <TableCell align="right">
                <RowMenu
                    of={tag.path}
                    actions={{
                        Budgets: () => {
                            setParams({ tag: String(tag.id) }, { push: true });
                        },
                        'Change or move…': mayChange && start('changing'),
                        'Add below…': mayChange && start('adding'),
                        'Deactivate…': mayChange && tag.isActive && start('deactivating'),
                        'Activate…': mayChange && !tag.isActive && start('activating'),
                        'Delete…': mayChange && start('deleting'),
                    }}
                />
                {(doing === 'changing' || doing === 'adding') && (
                    <TagDialog
                        tenant={tenant}
                        tags={tags}
                        tag={doing === 'changing' ? tag : null}
                        parent={doing === 'adding' ? tag.id : tag.parentId}
                        onClose={onClose}
                    />
                )}
                {(doing === 'deactivating' || doing === 'activating' || doing === 'deleting') && (
                    <Confirm tenant={tenant} tag={tag} doing={doing} onClose={onClose} />
                )}
            </TableCell>
        </TableRow>
    );
}

interface ConfirmProps {
    tenant: Tenant;
    tag: Tag;
    doing: 'deactivating' | 'activating' | 'deleting';
    onClose: () => void;
}

function Confirm({ tenant, tag, doing, onClose }: ConfirmProps) {
    const activate = api.useMutation('patch', '/admin/tenant/{id}/tags/{tag}/activate');
    const deactivate = api.useMutation('patch', '/admin/tenant/{id}/tags/{tag}/deactivate');
    const remove = api.useMutation('delete', '/admin/tenant/{id}/tags/{tag}');
    const asked = { params: { path: { id: tenant.id, tag: tag.id } } };
    switch (doing) {
        case 'activating':
            return (
                <ConfirmDialog
                    title={`Activate ${tag.path}?`}
                    action="Activate the tag"
                    onConfirm={() => activate.mutateAsync(asked)}
                    onClose={onClose}
                >
                    Requests may name it again, and its budgets count again.
                </ConfirmDialog>
            );
        case 'deactivating':
            return (
                <ConfirmDialog
                    title={`Deactivate ${tag.path}?`}
                    action="Deactivate the tag"
                    onConfirm={() => deactivate.mutateAsync(asked)}
                    onClose={onClose}
                >
                    From now on no request may name it. Its budgets and what was spent stay. Tags
                    below it have to be deactivated first.
                </ConfirmDialog>
            );
        case 'deleting':
            return (
                <ConfirmDialog
                    title={`Delete ${tag.path}?`}
                    action="Delete the tag"
                    typed={tag.name}
                    onConfirm={() => remove.mutateAsync(asked)}
                    onClose={onClose}
                >
                    Its budgets go with it; the ledger stays. Tags below it have to be deleted
                    first. This cannot be undone.
                </ConfirmDialog>
            );
    }
}

/** A tag's colour, which says nothing that its name does not. */
function Dot({ color }: { color: string | null }) {
    return (
        <Box
            aria-hidden
            sx={{
                width: 12,
                height: 12,
                mr: 1,
                flexShrink: 0,
                borderRadius: '50%',
                bgcolor: color ?? 'action.disabled',
            }}
        />
    );
}
