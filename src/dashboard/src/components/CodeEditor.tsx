import { Box, Typography } from '@mui/material';
import { useEffect, useId, useRef } from 'react';

const LINE_PX = 20;
const LINES_MIN = 8;
const HEIGHT_PX_MAX = 420;
const PADDING_PX = 8;

/** A place in a text, both from one. */
export interface TextPlace {
    line: number;
    column: number;
}

interface CodeEditorProps {
    label: string;
    value: string;
    /** Missing where it is only read. */
    onChange?: ((value: string) => void) | undefined;
    /** What is wrong with it. */
    error?: string | null;
    /** Where it is wrong: the line is marked, and the cursor put there. */
    at?: TextPlace | null;
}

/** Where a place is, counted from the first character. */
function offsetOf(text: string, { line, column }: TextPlace): number {
    const lines = text.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    return Math.min(before + column - 1, text.length);
}

/** A plain text with numbers of its lines. Tab leaves it, as it leaves every field. */
export function CodeEditor({ label, value, onChange, error = null, at = null }: CodeEditorProps) {
    const id = useId();
    const area = useRef<HTMLTextAreaElement>(null);
    const place = useRef(at);
    const count = value.split('\n').length;
    const height = Math.max(count, LINES_MIN) * LINE_PX + 2 * PADDING_PX;
    useEffect(() => {
        const element = area.current;
        if (at === null || element === null || place.current === at) return;
        place.current = at;
        const offset = offsetOf(element.value, at);
        element.focus({ preventScroll: true });
        element.setSelectionRange(offset, offset);
        element.parentElement?.scrollTo({ top: (at.line - 3) * LINE_PX });
    }, [at]);
    return (
        <Box>
            <Typography component="label" htmlFor={id} variant="body2" color="textSecondary">
                {label}
            </Typography>
            <Box
                sx={{
                    position: 'relative',
                    display: 'flex',
                    alignItems: 'flex-start',
                    maxHeight: HEIGHT_PX_MAX,
                    overflowY: 'auto',
                    border: 1,
                    borderColor: error === null ? 'divider' : 'error.main',
                    borderRadius: 1,
                    fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace',
                    fontSize: 13,
                    lineHeight: `${LINE_PX}px`,
                    '&:focus-within': { outline: 2, outlineColor: 'primary.main' },
                }}
            >
                {at !== null && (
                    <Box
                        aria-hidden
                        data-testid="marked-line"
                        sx={{
                            position: 'absolute',
                            left: 0,
                            right: 0,
                            top: (at.line - 1) * LINE_PX + PADDING_PX,
                            height: LINE_PX,
                            borderLeft: 3,
                            borderColor: 'error.main',
                            bgcolor: 'action.selected',
                            pointerEvents: 'none',
                        }}
                    />
                )}
                <Box
                    aria-hidden
                    sx={{
                        flexShrink: 0,
                        minWidth: 36,
                        px: 1,
                        py: `${PADDING_PX}px`,
                        textAlign: 'right',
                        color: 'text.secondary',
                        whiteSpace: 'pre',
                        userSelect: 'none',
                    }}
                >
                    {Array.from({ length: count }, (_none, index) => index + 1).join('\n')}
                </Box>
                <Box
                    component="textarea"
                    ref={area}
                    id={id}
                    value={value}
                    readOnly={onChange === undefined}
                    wrap="off"
                    spellCheck={false}
                    autoCapitalize="off"
                    autoComplete="off"
                    aria-invalid={error !== null}
                    aria-describedby={error === null ? undefined : `${id}-error`}
                    onChange={(event) => onChange?.(event.target.value)}
                    sx={{
                        position: 'relative',
                        flexGrow: 1,
                        minWidth: 0,
                        height,
                        p: 0,
                        py: `${PADDING_PX}px`,
                        border: 0,
                        outline: 'none',
                        resize: 'none',
                        overflowX: 'auto',
                        overflowY: 'hidden',
                        bgcolor: 'transparent',
                        color: 'text.primary',
                        font: 'inherit',
                        tabSize: 4,
                    }}
                />
            </Box>
            {error !== null && (
                <Typography
                    id={`${id}-error`}
                    role="alert"
                    variant="body2"
                    color="error"
                    sx={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', mt: 0.5 }}
                >
                    {error}
                </Typography>
            )}
        </Box>
    );
}
