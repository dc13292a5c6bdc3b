/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_FILE_ERROR_H
#define MS_FILE_ERROR_H

#include "lib/error.h"

/** ms_file_write_error() - the sentence about a write that failed with @r. Return: @r */
int ms_file_write_error(int r, struct ms_error *err);

#endif
