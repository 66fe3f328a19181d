import {
    Paper,
    Table,
    TableBody,
    TableCell,
    TableContainer,
    TableHead,
    TableRow,
} from '@mui/material';
import type { ReactNode } from 'react';

interface ListTableProps {
    label: string;
    /** The heads of the columns, empty where there is nothing to say. */
    heads: string[];
    /** Rows of a table. */
    children: ReactNode;
}

/** A table that scrolls by itself where it is wider than the page. */
export function ListTable({ label, heads, children }: ListTableProps) {
    return (
        <TableContainer component={Paper} tabIndex={0} role="region" aria-label={`${label}: table`}>
            <Table aria-label={label}>
                <TableHead>
                    <TableRow>
                        {heads.map((head) => (
                            <TableCell key={head}>{head}</TableCell>
                        ))}
                    </TableRow>
                </TableHead>
                <TableBody>{children}</TableBody>
            </Table>
        </TableContainer>
    );
}
