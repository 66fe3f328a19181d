import Close from '@mui/icons-material/Close';
import { Box, Chip, Drawer, IconButton, Stack, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import { api, type Schemas } from '~/api/client';
import { CopyButton } from '~/components/CopyButton';
import { Instant } from '~/components/Instant';
import { Loaded } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { formatExactUsd } from '~/format/money';
import { formatCount, formatMs } from '~/format/numbers';

type Entry = Schemas['LedgerEntryBody'];

const DRAWER_PX = 460;

interface RowDrawerProps {
    requestId: string;
    onClose: () => void;
}

/** Everything about one row: its receipt, what the policy decided, its place in the chain. */
export function RowDrawer({ requestId, onClose }: RowDrawerProps) {
    const entry = api.useQuery('get', '/admin/usage/ledger/{requestId}', {
        params: { path: { requestId } },
    });
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
                    'aria-labelledby': 'request-title',
                    sx: { width: DRAWER_PX, maxWidth: '100%', p: 2 },
                },
            }}
        >
            <Stack direction="row" sx={{ justifyContent: 'space-between', alignItems: 'center' }}>
                <Typography variant="h2" id="request-title">
                    Request
                </Typography>
                <IconButton aria-label="Close" onClick={onClose}>
                    <Close />
                </IconButton>
            </Stack>
            <Stack direction="row" sx={{ alignItems: 'center', mb: 1 }}>
                <Code>{requestId}</Code>
                <CopyButton text={requestId} label="Copy the id" />
            </Stack>
            <Loaded query={entry} height={480}>
                {(body) => <Details entry={body} />}
            </Loaded>
        </Drawer>
    );
}

function Details({ entry }: { entry: Entry }) {
    const { receipt, policy, chain } = entry;
    return (
        <Stack spacing={2}>
            <Part title="Request">
                <Fact name="Time">
                    <Instant at={entry.ts} />
                </Fact>
                <Fact name="Tenant">{entry.tenant}</Fact>
                <Fact name="Key">
                    {entry.apiKeyName ?? 'without a name'} ({entry.apiKeyPrefix ?? entry.apiKeyId}…)
                </Fact>
                <Fact name="Route">{entry.route}</Fact>
                <Fact name="Status">
                    <StatusChip status={entry.status} />
                    {entry.httpStatus !== null && ` HTTP ${entry.httpStatus}`}
                </Fact>
                {entry.reason !== null && <Fact name="Reason">{entry.reason}</Fact>}
                <Fact name="Session">{entry.sessionId ?? '–'}</Fact>
                <Fact name="Tags">
                    {entry.tags.length === 0
                        ? '–'
                        : entry.tags.map((tag) => (
                              <Chip
                                  key={tag.id}
                                  size="small"
                                  label={`${tag.path ?? tag.id} × ${tag.weight}`}
                                  sx={{ ml: 0.5 }}
                              />
                          ))}
                </Fact>
                <Fact name="Answered in">
                    {formatMs(entry.latencyMs)}
                    {entry.firstByteMs !== null && `, first byte ${formatMs(entry.firstByteMs)}`}
                </Fact>
            </Part>
            <Part title="Receipt">
                <Fact name="Charged">{formatExactUsd(receipt.cost_usd)}</Fact>
                <Fact name="Held before">{formatExactUsd(receipt.held_usd)}</Fact>
                <Fact name="Usage is">{receipt.basis}</Fact>
                <Fact name="Provider">{receipt.provider}</Fact>
                <Fact name="Model billed">{receipt.model}</Fact>
                <Fact name="Model asked for">{receipt.model_asked}</Fact>
                <Fact name="Model served">{receipt.model_served ?? '–'}</Fact>
                <Fact name="Tier">{receipt.service_tier}</Fact>
                <Fact name="Price">
                    {receipt.price_id === null ? '–' : `version ${receipt.price_id}`}
                </Fact>
                {receipt.usage.map(({ kind, units }) => (
                    <Fact key={kind} name={kind.replaceAll('_', ' ')}>
                        {formatCount(units)}
                    </Fact>
                ))}
                <Fact name="At the provider">
                    <Code>{receipt.upstream_request_id ?? '–'}</Code>
                </Fact>
            </Part>
            <Part title="Policy decision">
                {policy === null ? (
                    <Fact name="Decision">No policy was asked</Fact>
                ) : (
                    <>
                        <Fact name="Decision">{receipt.policy?.decision ?? '–'}</Fact>
                        {policy.failedOpen !== null && (
                            <Fact name="Let pass although it failed">{policy.failedOpen}</Fact>
                        )}
                        {policy.model !== null && (
                            <Fact name="Chose the model">{policy.model}</Fact>
                        )}
                        {policy.maxOutputTokens !== null && (
                            <Fact name="Most output tokens">
                                {formatCount(policy.maxOutputTokens)}
                            </Fact>
                        )}
                        <Fact name="Decided on">
                            <Code>{policy.decisionId}</Code>
                        </Fact>
                        <Fact name="Rules (SHA-256)">
                            <Code>{policy.hash}</Code>
                        </Fact>
                    </>
                )}
            </Part>
            <Part title="Chain">
                {chain === null ? (
                    <Fact name="State">in no chain</Fact>
                ) : (
                    <>
                        <Fact name="State">
                            <StatusChip status={chain.state} />
                        </Fact>
                        <Fact name="Writer">{chain.writerName ?? chain.writer}</Fact>
                        <Fact name="Place">{formatCount(chain.seq)}</Fact>
                        <Fact name="Hash (SHA-256)">
                            <Code>{chain.hash}</Code>
                        </Fact>
                    </>
                )}
            </Part>
        </Stack>
    );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
    return (
        <Box component="section" aria-label={title}>
            <Typography component="h3" sx={{ fontWeight: 600, mb: 0.5 }}>
                {title}
            </Typography>
            <Box
                component="dl"
                sx={{ display: 'grid', gridTemplateColumns: '40% 1fr', rowGap: 0.5, m: 0 }}
            >
                {children}
            </Box>
        </Box>
    );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
    return (
        <>
            <Typography component="dt" variant="body2" color="textSecondary">
                {name}
            </Typography>
            <Typography component="dd" variant="body2" sx={{ m: 0, overflowWrap: 'anywhere' }}>
                {children}
            </Typography>
        </>
    );
}

function Code({ children }: { children: ReactNode }) {
    return (
        <Box component="code" sx={{ fontSize: '0.8rem', overflowWrap: 'anywhere' }}>
            {children}
        </Box>
    );
}
