import { Alert, Stack, TableCell, TableRow, Typography } from '@mui/material';

import type { Schemas } from '~/api/client';
import { formatUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';

import { Instant } from './Instant';
import { ListTable } from './ListTable';

type Answer = Schemas['WhatIfBody'];

/** Codes of the ledger in words. */
function wordsOf(reason: string): string {
    return reason.replaceAll('_', ' ');
}

interface WhatIfAnswerProps {
    answer: Answer;
    /** What keys are called, where that is known. */
    keyNames?: ReadonlyMap<number, string>;
    /** What tags are called, where that is known. */
    tagPaths?: ReadonlyMap<number, string>;
}

/** What was, what would be by what is in force, and what would be with the changes. */
export function WhatIfAnswer({ answer, keyNames, tagPaths }: WhatIfAnswerProps) {
    const { recorded, inForce, withChanges } = answer;
    const reasons = new Set([
        ...Object.keys(inForce.refusedByReason),
        ...Object.keys(withChanges.refusedByReason),
    ]);
    return (
        <Stack component="section" aria-label="Answer" spacing={2}>
            <Alert severity="info" role="status">
                With the changes, {formatCount(withChanges.refused)} of{' '}
                {formatCount(recorded.requests)} requests would have been refused, and{' '}
                {formatUsd(answer.savedUsd)} not spent.
            </Alert>
            <ListTable
                label="What would have been"
                heads={[
                    '',
                    { right: 'Admitted' },
                    { right: 'Refused' },
                    { right: 'Newly admitted' },
                    { right: 'Cost' },
                ]}
            >
                <Line
                    name="As it was recorded"
                    figures={[recorded.admitted, recorded.refused, null]}
                    costUsd={recorded.costUsd}
                />
                <Line
                    name="By what is in force now"
                    figures={[inForce.admitted, inForce.refused, inForce.newlyAdmitted]}
                    costUsd={inForce.costUsd}
                />
                <Line
                    name="With the changes"
                    figures={[withChanges.admitted, withChanges.refused, withChanges.newlyAdmitted]}
                    costUsd={withChanges.costUsd}
                />
            </ListTable>
            {reasons.size > 0 && (
                <ListTable
                    label="Why they would have been refused"
                    heads={[
                        'Reason',
                        { right: 'By what is in force' },
                        { right: 'With the changes' },
                    ]}
                >
                    {[...reasons].sort().map((reason) => (
                        <TableRow key={reason}>
                            <TableCell component="th" scope="row">
                                {wordsOf(reason)}
                            </TableCell>
                            <TableCell align="right">
                                {formatCount(inForce.refusedByReason[reason] ?? 0)}
                            </TableCell>
                            <TableCell align="right">
                                {formatCount(withChanges.refusedByReason[reason] ?? 0)}
                            </TableCell>
                        </TableRow>
                    ))}
                </ListTable>
            )}
            <Owners answer={answer} keyNames={keyNames} />
            <Budgets answer={answer} keyNames={keyNames} tagPaths={tagPaths} />
            <Refusals answer={answer} keyNames={keyNames} />
            {answer.leftOut > 0 && (
                <Typography variant="body2">
                    {formatCount(answer.leftOut)} more rows are not shown.
                </Typography>
            )}
            <Typography variant="caption" color="textSecondary" sx={{ overflowWrap: 'anywhere' }}>
                {formatCount(answer.rowsReplayed)} rows were replayed, from{' '}
                <Instant at={answer.from} /> to <Instant at={answer.to} />. Decisions (SHA-256):{' '}
                {answer.decisionsHash}
            </Typography>
        </Stack>
    );
}

interface LineProps {
    name: string;
    figures: (number | null)[];
    costUsd: string;
}

function Line({ name, figures, costUsd }: LineProps) {
    return (
        <TableRow>
            <TableCell component="th" scope="row">
                {name}
            </TableCell>
            {figures.map((figure, index) => (
                <TableCell key={index} align="right">
                    {figure === null ? '–' : formatCount(figure)}
                </TableCell>
            ))}
            <TableCell align="right">{formatUsd(costUsd)}</TableCell>
        </TableRow>
    );
}

/** For whom: the most refused first. */
function Owners({ answer, keyNames }: WhatIfAnswerProps) {
    const keys = answer.apiKeys.map((key) => ({
        ...key,
        name: `Key ${keyNames?.get(key.apiKeyId) ?? key.apiKeyId}`,
    }));
    const tenants = answer.tenants.map((tenant) => ({
        ...tenant,
        name: tenant.tenant ?? `Tenant ${tenant.tenantId}`,
    }));
    const all = [...tenants, ...keys];
    if (all.length === 0) return null;
    return (
        <ListTable
            label="For whom, with the changes"
            heads={[
                'Whose',
                { right: 'Requests' },
                { right: 'Refused' },
                { right: 'Cost as recorded' },
                { right: 'Not spent' },
            ]}
        >
            {all.map((sums, index) => (
                <TableRow key={index}>
                    <TableCell component="th" scope="row">
                        {sums.name}
                    </TableCell>
                    <TableCell align="right">{formatCount(sums.requests)}</TableCell>
                    <TableCell align="right">{formatCount(sums.refused)}</TableCell>
                    <TableCell align="right">{formatUsd(sums.costUsd)}</TableCell>
                    <TableCell align="right">{formatUsd(sums.savedUsd)}</TableCell>
                </TableRow>
            ))}
        </ListTable>
    );
}

function Budgets({ answer, keyNames, tagPaths }: WhatIfAnswerProps) {
    if (answer.budgets.length === 0) return null;
    const tenants = new Map(answer.tenants.map(({ tenantId, tenant }) => [tenantId, tenant]));
    const nameOf = (budget: Answer['budgets'][number]): string => {
        const { apiKeyId, tagId, tenantId } = budget;
        if (apiKeyId) return `key ${keyNames?.get(apiKeyId) ?? apiKeyId}`;
        if (tagId) return `tag ${tagPaths?.get(tagId) ?? tagId}`;
        if (tenantId) return `tenant ${tenants.get(tenantId) ?? tenantId}`;
        return 'installation';
    };
    return (
        <ListTable
            label="Budgets, with the changes"
            heads={[
                'Budget',
                { right: 'Limit' },
                { right: 'Highest use' },
                { right: 'Charged' },
                { right: 'Refused' },
                'First refused',
            ]}
        >
            {answer.budgets.map((budget, index) => (
                <TableRow key={index}>
                    <TableCell component="th" scope="row">
                        {nameOf(budget)}, {budget.period}
                        {budget.budgetId === null && ' (asked about)'}
                        {budget.enforcement === 'shadow' && ' (only counts)'}
                    </TableCell>
                    <TableCell align="right">{formatUsd(budget.amountUsd)}</TableCell>
                    <TableCell align="right">{formatUsd(budget.highestUseUsd)}</TableCell>
                    <TableCell align="right">{formatCount(budget.charged)}</TableCell>
                    <TableCell align="right">
                        {formatCount(
                            budget.enforcement === 'shadow'
                                ? budget.wouldHaveRefused
                                : budget.refused,
                        )}
                    </TableCell>
                    <TableCell>
                        {budget.firstRefusedAt ? <Instant at={budget.firstRefusedAt} /> : '–'}
                    </TableCell>
                </TableRow>
            ))}
        </ListTable>
    );
}

/** Requests that were admitted and would not have been, oldest first. */
function Refusals({ answer, keyNames }: WhatIfAnswerProps) {
    if (answer.refusals.length === 0) return null;
    return (
        <ListTable
            label="Requests that would have been refused"
            heads={['When', 'Key', 'Model', 'Reason', { right: 'Cost as recorded' }, 'Request']}
        >
            {answer.refusals.map((refusal) => (
                <TableRow key={refusal.requestId}>
                    <TableCell>
                        <Instant at={refusal.timestamp} />
                    </TableCell>
                    <TableCell>{keyNames?.get(refusal.apiKeyId) ?? refusal.apiKeyId}</TableCell>
                    <TableCell>{refusal.model}</TableCell>
                    <TableCell>{wordsOf(refusal.reason)}</TableCell>
                    <TableCell align="right">{formatUsd(refusal.costUsd)}</TableCell>
                    <TableCell sx={{ fontFamily: 'monospace' }}>{refusal.requestId}</TableCell>
                </TableRow>
            ))}
        </ListTable>
    );
}
