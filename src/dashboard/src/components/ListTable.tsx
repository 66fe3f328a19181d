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
    /** The heads of the columns; those of figures have `right`. */
    heads: (string | { right: string })[];
    children: ReactNode;
}

/** A table that scrolls by itself where it is wider than the page, by keyboard too. */
export function ListTable({ label, heads, children }: ListTableProps) {
    return (
        <TableContainer component={Paper} tabIndex={0} role="region" aria-label={`${label}: table`}>
            <Table aria-label={label}>
                <TableHead>
                    <TableRow>
                        {heads.map((name, index) =>
                            typeof name === 'string' ? (
                                <TableCell key={index}>{name}</TableCell>
                            ) : (
                                <TableCell key={index} align="right">
                                    {name.right}
                                </TableCell>
                            ),
                        )}
                    </TableRow>
                </TableHead>
                <TableBody>{children}</TableBody>
            </Table>
        </TableContainer>
    );
}
