import ContentCopy from '@mui/icons-material/ContentCopy';
import { IconButton, Tooltip } from '@mui/material';
import { useState } from 'react';

/** Copies a text. Without a secure connection browsers have no clipboard: then it says so. */
export function CopyButton({ text, label }: { text: string; label: string }) {
    const [title, setTitle] = useState(label);
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text);
            setTitle('Copied');
        } catch {
            setTitle('This browser does not let pages copy here');
        }
    };
    return (
        <Tooltip title={title}>
            <IconButton size="small" aria-label={title} onClick={() => void copy()}>
                <ContentCopy fontSize="inherit" />
            </IconButton>
        </Tooltip>
    );
}
