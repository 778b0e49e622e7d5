/* plain_scan.c -- see plain_scan.h. */
#ifndef FF_NO_LANES
#define FF_NO_LANES 1
#endif

#define ff_scan_head       plain_scan_head
#define ff_scan_field      plain_scan_field
#define ff_scan_line       plain_scan_line
#define ff_scan_fields     plain_scan_fields
#define ff_scan_field_line plain_scan_field_line
#define ff_tchar           plain_tchar
#define ff_unfold          plain_unfold
#define ff_value_span      plain_value_span
#define ff_token_span      plain_token_span
#define ff_is_tchar        plain_is_tchar
#define ff_error_status    plain_error_status
#define ff_error_text      plain_error_text

#include "http1/field.c"
#include "http1/scan.c"
