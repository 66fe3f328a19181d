import { Button, Chip, Stack, TableCell, TableRow, Typography } from '@mui/material';
import { useState } from 'react';

import { api } from '~/api/client';
import { ConfirmDialog } from '~/components/ConfirmDialog';
import { CopyButton } from '~/components/CopyButton';
import { Instant } from '~/components/Instant';
import { ListTable } from '~/components/ListTable';
import { formatBytes } from '~/format/numbers';
import { useMay } from '~/session/session';
import type { Tenant } from '~/shell/place';

import type { Bundle } from './draft';

const HASH_SHOWN = 12;

interface VersionsProps {
    tenant: Tenant;
    rows: Bundle[];
    /** The one that is in force. */
    active: Bundle | null;
    chosen: number | null;
    onChoose: (version: number) => void;
}

/** The versions of a tenant's policy, and which of them is in force. */
export function Versions({ tenant, rows, active, chosen, onChoose }: VersionsProps) {
    const mayChange = useMay('operator');
    const [next, setNext] = useState<Bundle | null>(null);
    return (
        <>
            <ListTable
                label="Versions"
                heads={['Version', 'State', 'Comment', 'SHA-256', { right: 'Size' }, 'Made', '']}
            >
                {rows.map((bundle) => (
                    <TableRow key={bundle.version} selected={bundle.version === chosen} hover>
                        <TableCell component="th" scope="row">
                            {bundle.version} ({bundle.kind})
                        </TableCell>
                        <TableCell>
                            {bundle.isActive ? (
                                <Chip size="small" color="success" label="in force" />
                            ) : bundle.activatedAt !== null ? (
                                'was in force'
                            ) : (
                                '–'
                            )}
                        </TableCell>
                        <TableCell sx={{ overflowWrap: 'anywhere' }}>
                            {bundle.comment ?? '–'}
                        </TableCell>
                        <TableCell>
                            <Stack direction="row" sx={{ alignItems: 'center' }}>
                                <code>{bundle.sha256.slice(0, HASH_SHOWN)}…</code>
                                <CopyButton
                                    text={bundle.sha256}
                                    label={`Copy the SHA-256 of version ${bundle.version}`}
                                />
                            </Stack>
                        </TableCell>
                        <TableCell align="right">{formatBytes(bundle.bytes)}</TableCell>
                        <TableCell>
                            <Instant at={bundle.createdAt} />, {bundle.createdBy}
                        </TableCell>
                        <TableCell>
                            <Stack direction="row">
                                <Button
                                    size="small"
                                    aria-label={`Open version ${bundle.version}`}
                                    onClick={() => {
                                        onChoose(bundle.version);
                                    }}
                                >
                                    Open
                                </Button>
                                {mayChange && !bundle.isActive && (
                                    <Button
                                        size="small"
                                        aria-label={`Activate version ${bundle.version}`}
                                        onClick={() => {
                                            setNext(bundle);
                                        }}
                                    >
                                        Activate
                                    </Button>
                                )}
                            </Stack>
                        </TableCell>
                    </TableRow>
                ))}
            </ListTable>
            {next !== null && (
                <Activate
                    tenant={tenant}
                    next={next}
                    active={active}
                    onClose={() => {
                        setNext(null);
                    }}
                />
            )}
        </>
    );
}

interface ActivateProps {
    tenant: Tenant;
    next: Bundle;
    active: Bundle | null;
    onClose: () => void;
}

function Activate({ tenant, next, active, onClose }: ActivateProps) {
    const activate = api.useMutation(
        'post',
        '/admin/tenant/{id}/policy-bundles/{version}/activate',
    );
    return (
        <ConfirmDialog
            title={`Put version ${next.version} in force?`}
            action="Activate"
            onConfirm={() =>
                activate.mutateAsync({
                    params: { path: { id: tenant.id, version: next.version } },
                })
            }
            onClose={onClose}
        >
            <Typography>
                Within a second it is asked about every request of {tenant.name},{' '}
                {active === null
                    ? 'after the installation’s rules'
                    : `in place of version ${active.version}`}
                . Requests under way keep what they were decided by.
            </Typography>
        </ConfirmDialog>
    );
}
