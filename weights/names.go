package weights

// Names that other libraries have for the same arrays. Our models have the names of their reference implementations;
// these rules turn others into them. A name that is right already is left as it is.

import (
	"fmt"
	"regexp"
	"strings"
)

// rule replaces what a pattern matches in a name.
type rule struct {
	pattern     *regexp.Regexp
	replacement string
}

// rules compiles pairs of a pattern and a replacement.
func rules(pairs ...string) []rule {
	var result []rule
	for i := 0; i < len(pairs); i += 2 {
		result = append(result, rule{regexp.MustCompile(pairs[i]), pairs[i+1]})
	}
	return result
}

// wrappers are modules around a network: DataParallel's, torch.compile's, those of detectors and segmenters.
var wrappers = rules(`^((module|_orig_mod|model|backbone|encoder)\.)+`, ``)

// familyRules lists, for the beginning of models' names, the rules of their family. They are applied in order.
var familyRules = map[string][]rule{
	"resnet": rules(
		// OpenMMLab
		`^head\.fc\.`, `fc.`,
		// edgeformer_v2
		`\.gcc_([HW])\.`, `.parc_$1.`,
	),
	"convnext": rules(
		// timm
		`^stem\.`, `downsample_layers.0.`,
		`^stages\.(\d)\.downsample\.`, `downsample_layers.$1.`,
		`^(stages\.\d)\.blocks\.`, `$1.`,
		`\.conv_dw\.`, `.dwconv.`,
		`\.mlp\.fc([12])\.`, `.pwconv$1.`,
		`^head\.norm\.`, `norm.`,
		`^head\.fc\.`, `head.`, // OpenMMLab too
		// torchvision
		`^features\.0\.`, `downsample_layers.0.`,
		`^features\.2\.`, `downsample_layers.1.`,
		`^features\.4\.`, `downsample_layers.2.`,
		`^features\.6\.`, `downsample_layers.3.`,
		`^features\.1\.`, `stages.0.`,
		`^features\.3\.`, `stages.1.`,
		`^features\.5\.`, `stages.2.`,
		`^features\.7\.`, `stages.3.`,
		`\.layer_scale$`, `.gamma`,
		`\.block\.0\.`, `.dwconv.`,
		`\.block\.2\.`, `.norm.`,
		`\.block\.3\.`, `.pwconv1.`,
		`\.block\.5\.`, `.pwconv2.`,
		`^classifier\.0\.`, `norm.`,
		`^classifier\.2\.`, `head.`,
		// OpenMMLab
		`\.depthwise_conv\.`, `.dwconv.`,
		`\.pointwise_conv([12])\.`, `.pwconv$1.`,
		`^norm3\.`, `norm.`,
		// edgeformer_v2
		`\.gcc_conv_(1H|2W)\.meta_pe$`, `.gcc_conv_$1.pe`,
		`\.gcc_conv_(1H|2W)\.(weight|bias)$`, `.gcc_conv_$1.gcc_conv.$2`,
		`\.gcc_conv_\d([HW])\.`, `.gcc_$1.`,
	),
	"mobilenetv2": append(append(
		mobileNetV2Blocks(`^blocks\.%d\.%d\.`, 0),  // timm
		mobileNetV2Blocks(`^layer%d\.%d\.`, 1)...), // OpenMMLab, edgeformer_v2's detectors
		rules(
			// timm
			`^conv_stem\.`, `features.0.0.`,
			`^bn1\.`, `features.0.1.`,
			`^(features\.1)\.conv_dw\.`, `$1.conv.0.0.`,
			`^(features\.1)\.bn1\.`, `$1.conv.0.1.`,
			`^(features\.1)\.conv_pw\.`, `$1.conv.1.`,
			`^(features\.1)\.bn2\.`, `$1.conv.2.`,
			`^(features\.\d+)\.conv_pw\.`, `$1.conv.0.0.`,
			`^(features\.\d+)\.bn1\.`, `$1.conv.0.1.`,
			`^(features\.\d+)\.conv_dw\.`, `$1.conv.1.0.`,
			`^(features\.\d+)\.bn2\.`, `$1.conv.1.1.`,
			`^(features\.\d+)\.conv_pwl\.`, `$1.conv.2.`,
			`^(features\.\d+)\.bn3\.`, `$1.conv.3.`,
			`^conv_head\.`, `features.18.0.`,
			`^bn2\.`, `features.18.1.`,
			`^classifier\.(weight|bias)$`, `classifier.1.$1`,
			// OpenMMLab, edgeformer_v2's detectors
			`^conv1\.`, `features.0.`,
			`^conv2\.`, `features.18.`,
			`^(features\.(0|18))\.conv\.(weight)$`, `$1.0.$3`,
			`^(features\.(0|18))\.bn\.`, `$1.1.`,
			`^(features\.1\.conv)\.1\.conv\.`, `$1.1.`,
			`^(features\.1\.conv)\.1\.bn\.`, `$1.2.`,
			`^(features\.\d+\.conv\.[01])\.conv\.`, `$1.0.`,
			`^(features\.\d+\.conv\.[01])\.bn\.`, `$1.1.`,
			`^(features\.\d+\.conv)\.2\.conv\.`, `$1.2.`,
			`^(features\.\d+\.conv)\.2\.bn\.`, `$1.3.`,
			`^head\.fc\.`, `classifier.1.`,
		)...),
	"mobilevit": rules(
		// timm
		`^stem\.`, `conv_1.`,
		`^final_conv\.`, `conv_1x1_exp.`,
		`^head\.fc\.`, `classifier.fc.`,
		`^stages\.0\.`, `layer_1.`,
		`^stages\.1\.`, `layer_2.`,
		`^stages\.2\.`, `layer_3.`,
		`^stages\.3\.`, `layer_4.`,
		`^stages\.4\.`, `layer_5.`,
		`\.conv1_1x1\.`, `.block.exp_1x1.`,
		`\.conv2_kxk\.`, `.block.conv_3x3.`,
		`\.conv3_1x1\.`, `.block.red_1x1.`,
		`\.conv_kxk\.`, `.local_rep.conv_3x3.`,
		`\.conv_1x1\.weight$`, `.local_rep.conv_1x1.conv.weight`,
		`\.conv_fusion\.`, `.fusion.`,
		`\.transformer\.(\d)\.norm1\.`, `.global_rep.$1.pre_norm_mha.0.`,
		`\.transformer\.(\d)\.attn\.qkv\.`, `.global_rep.$1.pre_norm_mha.1.qkv_proj.`,
		`\.transformer\.(\d)\.attn\.proj\.`, `.global_rep.$1.pre_norm_mha.1.out_proj.`,
		`\.transformer\.(\d)\.norm2\.`, `.global_rep.$1.pre_norm_ffn.0.`,
		`\.transformer\.(\d)\.mlp\.fc1\.`, `.global_rep.$1.pre_norm_ffn.1.`,
		`\.transformer\.(\d)\.mlp\.fc2\.`, `.global_rep.$1.pre_norm_ffn.4.`,
		`^(layer_3\.1)\.norm\.`, `$1.global_rep.2.`,
		`^(layer_4\.1)\.norm\.`, `$1.global_rep.4.`,
		`^(layer_5\.1)\.norm\.`, `$1.global_rep.3.`,
		`^(conv_1|conv_1x1_exp|.*\.(exp_1x1|conv_3x3|red_1x1|conv_1x1|conv_proj|fusion))\.conv\.`, `$1.block.conv.`,
		`^(conv_1|conv_1x1_exp|.*\.(exp_1x1|conv_3x3|red_1x1|conv_1x1|conv_proj|fusion))\.bn\.`, `$1.block.norm.`,
	),
}

// mobileNetV2Blocks returns rules that number the blocks of MobileNetV2 through, for names in which they stand in groups,
// which are counted from first, and are counted from 0 in each.
func mobileNetV2Blocks(pattern string, first int) []rule {
	var pairs []string
	feature := 1
	for group, depth := range []int{1, 2, 3, 4, 3, 3, 1} {
		for block := range depth {
			pairs = append(pairs, fmt.Sprintf(pattern, first+group, block), fmt.Sprintf("features.%d.", feature))
			feature++
		}
	}
	return rules(pairs...)
}

// referenceName returns the name that an array of a model has in its reference implementation, where own says of a name
// whether it is one of these.
func referenceName(model, name string, own func(name string) bool) string {
	for _, r := range wrappers {
		name = r.pattern.ReplaceAllString(name, r.replacement)
	}
	if own(name) {
		return name
	}
	for family, rules := range familyRules {
		if strings.HasPrefix(model, family) {
			for _, r := range rules {
				name = r.pattern.ReplaceAllString(name, r.replacement)
			}
		}
	}
	return name
}
